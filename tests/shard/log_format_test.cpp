// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/log_format.hpp"

#include <ostream>
#include <set>

#include <gtest/gtest.h>

#include "dataplane/contract/enum_names.hpp"

namespace headgate::shard {
namespace {

using contract::LogField;

// With a value in everything that a line of a request can have.
AccessRecord full_record() {
  AccessRecord record;
  record.time = "2026-11-23T08:00:00.000Z";
  record.request_id = "r1";
  record.trace_id = "0af7651916cd43dd8448eb211c80319c";
  record.span_id = "b7ad6b7169203331";
  record.client = "192.0.2.7";
  record.tls_client = "CN=\"a\"";
  record.tls_client_sha256 = "5a";
  record.listener = "web";
  record.protocol = "http/2";
  record.method = "POST";
  record.host = "a";
  record.path = "/a";
  record.query = "q=1";
  record.status = 503;
  record.request_body_bytes = 3;
  record.sent_bytes = UINT64_MAX;
  record.duration = std::chrono::microseconds(3'001);
  record.until_response = std::chrono::nanoseconds(1'999);
  record.namespace_name = "default";
  record.route = "app";
  record.rule = "all";
  record.pool = "blue";
  record.backend = "10.0.0.1:80";
  record.tries = 2;
  record.retry_refused = "budget";
  record.ejected = true;
  record.queued = std::chrono::microseconds(7);
  record.ending = "completed";
  record.detail = "why";
  return record;
}

// A connection that has sent nothing yet, of which little is known.
AccessRecord bare_passthrough() {
  AccessRecord record;
  record.server_name = "";
  record.protocol = "tls";
  record.ending = "client_gone";
  return record;
}

AccessRecord full_passthrough() {
  auto record = full_record();
  record.server_name = "app.example.com";
  record.alpn = "h2";
  record.protocol = "tls";
  return record;
}

AccessRecord bare_record() {
  AccessRecord record;
  record.query = "";
  return record;
}

std::string line(const AccessRecord& record, std::vector<LogField> fields = {}) {
  contract::ShardSettings settings;
  settings.access_log_fields = std::move(fields);
  std::string lines = "what is there already\n";
  const auto before = lines.size();
  LogFormat(settings).append_line(record, lines);
  EXPECT_EQ(lines.find('\n', before), lines.size() - 1) << lines;
  return lines.substr(before, lines.size() - before - 1);
}

struct Case {
  std::string description;
  AccessRecord record;
  std::vector<LogField> fields;
  std::string line;

  friend void PrintTo(const Case& each, std::ostream* stream) { *stream << each.description; }
};

class LogFormatLines : public testing::TestWithParam<Case> {};

TEST_P(LogFormatLines, AreExactly) { EXPECT_EQ(line(GetParam().record, GetParam().fields), GetParam().line); }

INSTANTIATE_TEST_SUITE_P(
    Table, LogFormatLines,
    testing::Values(
        Case{
            "a request, without a choice",
            full_record(),
            {},
            R"({"time":"2026-11-23T08:00:00.000Z","request_id":"r1","trace_id":"0af7651916cd43dd8448eb211c80319c",)"
            R"("span_id":"b7ad6b7169203331","client":"192.0.2.7","listener":"web","protocol":"http/2",)"
            R"("method":"POST","host":"a","path":"/a","query":"q=1","status":503,"request_body_bytes":3,)"
            R"("sent_bytes":18446744073709551615,"duration_us":3001,"until_response_us":1,)"
            R"("namespace":"default","route":"app","rule":"all","backend":"10.0.0.1:80","tries":2,)"
            R"("retry_refused":"budget","ejected":true,"queued_us":7,"ending":"completed","detail":"why"})"},
        Case{
            "a request of which nothing is known, without a choice",
            bare_record(),
            {},
            R"({"time":"","request_id":"","client":"","listener":"","protocol":"","method":"","host":"",)"
            R"("path":"","query":"","status":0,"request_body_bytes":0,"sent_bytes":0,"duration_us":0,)"
            R"("until_response_us":0,"namespace":"","route":"","rule":"","backend":"","tries":0,"ending":""})"},
        Case{"TLS that passes, without a choice",
             full_passthrough(),
             {},
             R"({"time":"2026-11-23T08:00:00.000Z","client":"192.0.2.7","listener":"web","protocol":"tls",)"
             R"("server_name":"app.example.com","alpn":"h2","received_bytes":3,)"
             R"("sent_bytes":18446744073709551615,"duration_us":3001,"namespace":"default","route":"app",)"
             R"("pool":"blue","backend":"10.0.0.1:80","tries":2,"ejected":true,"queued_us":7,)"
             R"("ending":"completed","detail":"why"})"},
        Case{"TLS that passes of which nothing is known, without a choice",
             bare_passthrough(),
             {},
             R"({"time":"","client":"","listener":"","protocol":"tls","server_name":"","alpn":"",)"
             R"("received_bytes":0,"sent_bytes":0,"duration_us":0,"namespace":"","route":"","pool":"",)"
             R"("backend":"","tries":0,"ending":"client_gone"})"},
        Case{"a few",
             full_record(),
             {LogField::kMethod, LogField::kPath, LogField::kStatus},
             R"({"method":"POST","path":"/a","status":503})"},
        Case{"one", full_record(), {LogField::kDetail}, R"({"detail":"why"})"},
        Case{"a pool where it is chosen",
             full_record(),
             {LogField::kPool, LogField::kBackend},
             R"({"pool":"blue","backend":"10.0.0.1:80"})"},
        Case{"a client's certificate where it is chosen",
             full_record(),
             {LogField::kTlsClientSha256, LogField::kTlsClient, LogField::kClient},
             R"({"client":"192.0.2.7","tls_client":"CN=\"a\"","tls_client_sha256":"5a"})"},
        Case{"and where there is none",
             bare_record(),
             {LogField::kTlsClientSha256, LogField::kTlsClient},
             "{}"},
        Case{"what is left out comes first",
             bare_record(),
             {LogField::kTraceId, LogField::kStatus, LogField::kEjected},
             R"({"status":0})"},
        Case{"nothing that says something", bare_record(), {LogField::kTraceId, LogField::kQueuedUs}, "{}"},
        Case{"what is of TLS that passes, of a request",
             full_record(),
             {LogField::kAlpn, LogField::kTries},
             R"({"tries":2})"},
        Case{"what is of requests, of TLS that passes",
             full_passthrough(),
             {LogField::kRequestId, LogField::kPath, LogField::kReceivedBytes, LogField::kPool},
             R"({"received_bytes":3,"pool":"blue"})"}));

// Alone, a field is what it is among the others, and all of them are the whole line.
const std::set<LogField> kOnlyIfChosen{LogField::kTlsClient, LogField::kTlsClientSha256, LogField::kPool};
TEST(LogFormat, EachFieldIsTheMemberOfItsName) {
  std::string whole = "{";
  for (std::size_t i = 0; i < contract::EnumNames<LogField>::kNames.size(); ++i) {
    const auto field = static_cast<LogField>(i);
    for (const auto& record : {full_record(), full_passthrough()}) {
      const auto alone = line(record, {field});
      if (alone == "{}") continue;
      EXPECT_TRUE(alone.starts_with("{\"" + std::string(contract::name_of(field)) + "\":")) << alone;
      if (!record.server_name && !kOnlyIfChosen.contains(field))
        whole += (whole.size() > 1 ? "," : "") + alone.substr(1, alone.size() - 2);
    }
  }
  EXPECT_EQ(whole + "}", line(full_record()));
}

TEST(LogFormat, HeadersStandAtTheEndOfALine) {
  l7::Headers request, response;
  request.add({"user-agent", "a\"b", l7::HeaderId::kOther});
  request.add({"x-a", "", l7::HeaderId::kOther});
  response.add({"content-type", "text/plain", l7::HeaderId::kContentType});
  auto record = full_record();
  record.request_headers = &request;
  record.response_headers = &response;
  EXPECT_EQ(line(record, {LogField::kStatus}),
            R"({"status":503,"request_headers":{"user-agent":"a\"b","x-a":""},)"
            R"("response_headers":{"content-type":"text/plain"}})");
  request.clear();
  EXPECT_EQ(line(record, {LogField::kAlpn}), R"({"response_headers":{"content-type":"text/plain"}})");
  response.clear();
  EXPECT_EQ(line(record), line(full_record()));
}

TEST(LogFormat, WhatAClientSendsCannotLeaveItsString) {
  AccessRecord record;
  record.path = "/\"},{\"x\":\"\\";
  record.host = "a\n\x01\xff";
  l7::Headers request;
  request.add({"x-a", "\"}\xc3\xa9\t", l7::HeaderId::kOther});
  record.request_headers = &request;
  EXPECT_EQ(line(record, {LogField::kHost, LogField::kPath}),
            R"({"host":"a\u000a\u0001\u00ff","path":"/\"},{\"x\":\"\\",)"
            R"("request_headers":{"x-a":"\"}\u00c3\u00a9\u0009"}})");
}

}  // namespace
}  // namespace headgate::shard
