// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/access_log.hpp"

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

TEST(AccessLog, ALineIsOneJsonObject) {
  AccessRecord record;
  record.time = "2026-11-23T08:00:00.000Z";
  record.method = "GET";
  record.path = "/a";
  record.query = "";
  record.status = 200;
  record.duration = std::chrono::milliseconds(3);
  record.ending = "completed";
  std::string line;
  append_json(record, line);
  EXPECT_EQ(
      line,
      R"({"time":"2026-11-23T08:00:00.000Z","request_id":"","client":"","listener":"","protocol":"",)"
      R"("method":"GET","host":"","path":"/a","query":"","status":200,"request_body_bytes":0,"sent_bytes":0,"duration_us":3000,)"
      R"("until_response_us":0,"namespace":"","route":"","rule":"","backend":"","tries":0,)"
      R"("ending":"completed"})"
      "\n");
}

TEST(AccessLog, NamesTheTraceWhereThereIsOne) {
  AccessRecord record;
  record.trace_id = "0af7651916cd43dd8448eb211c80319c";
  record.span_id = "b7ad6b7169203331";
  std::string line;
  append_json(record, line);
  EXPECT_NE(
      line.find(
          R"("request_id":"","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","client":"")"),
      std::string::npos)
      << line;
}

TEST(AccessLog, WhatAClientSendsCannotLeaveItsString) {
  AccessRecord record;
  record.path = "/\"},{\"x\":\"\\";
  record.host = "a\n\x01\xff";
  std::string line;
  append_json(record, line);
  EXPECT_NE(line.find(R"("path":"/\"},{\"x\":\"\\")"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("host":"a\u000a\u0001\u00ff")"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace headgate::shard
