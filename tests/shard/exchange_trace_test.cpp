// SPDX-License-Identifier: Apache-2.0
// Traces through an exchange: what the client said of its own, what the backend got, what the log says.
#include <fstream>

#include <gmock/gmock.h>

#include "dataplane/l7/trace_context.hpp"
#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const std::string kTraceId = "0af7651916cd43dd8448eb211c80319c";
const std::string kParent = "00-" + kTraceId + "-b7ad6b7169203331-01";

class ExchangeTraceTest : public ShardFixture {
 protected:
  void trace(uint32_t sample_percent = 100) {
    settings_.tracing =
        contract::Boxed(contract::Tracing{"http://127.0.0.1:9/v1/traces", sample_percent, "test"});
  }
  void trust_client() { trusted_ = {*Prefix::parse("127.0.0.0/8")}; }

  // What the backend got; the log's line is in line_.
  std::string forwarded(const std::string& fields) {
    auto client = connect();
    client.send("GET /a HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    auto backend = backend_.accept();
    auto head = backend.read_head();
    backend.send(kOk);
    EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
    client.close();
    await([this] { return count("exchanges_total") == count("requests_total"); });
    stop();
    std::ifstream log(log_path_);
    std::getline(log, line_);
    return head;
  }
  static std::string field(const std::string& head, const std::string& name) {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }

  std::string line_;
};

TEST_F(ExchangeTraceTest, WithoutTracingItIsAFieldLikeAny) {
  trust_client();
  start();
  const auto head =
      forwarded("Traceparent: what ever\r\nTraceparent: " + kParent + "\r\nTracestate: a=1\r\n");
  EXPECT_THAT(head,
              HasSubstr("traceparent: what ever\r\ntraceparent: " + kParent + "\r\ntracestate: a=1\r\n"));
  EXPECT_THAT(line_, Not(HasSubstr("trace_id")));
}

TEST_F(ExchangeTraceTest, ATrustedSendersTraceGoesOn) {
  trust_client();
  trace();
  start();
  const auto head = forwarded("traceparent: " + kParent + "\r\ntracestate: a=1,b=2\r\n");
  const auto sent = l7::parse_traceparent(field(head, "traceparent"));
  ASSERT_TRUE(sent) << head;
  EXPECT_EQ(l7::trace_id_of(field(head, "traceparent")), kTraceId);
  EXPECT_NE(sent->span, l7::parse_traceparent(kParent)->span);
  EXPECT_TRUE(sent->sampled);
  EXPECT_EQ(field(head, "tracestate"), "a=1,b=2");
  EXPECT_THAT(line_, HasSubstr(R"("trace_id":")" + kTraceId + R"(","span_id":")" +
                               std::string(l7::span_id_of(field(head, "traceparent"))) + '"'));
}

TEST_F(ExchangeTraceTest, AStrangersTraceEndsAndOursBegins) {
  trace();
  start();
  const auto head = forwarded("traceparent: " + kParent + "\r\ntracestate: a=1\r\n");
  const auto sent = l7::parse_traceparent(field(head, "traceparent"));
  ASSERT_TRUE(sent) << head;
  EXPECT_THAT(head, Not(HasSubstr(kTraceId)));
  EXPECT_EQ(field(head, "tracestate"), "");
}

TEST_F(ExchangeTraceTest, WhatIsNotSampledIsATraceAllTheSame) {
  trace(0);
  start();
  const auto sent = l7::parse_traceparent(field(forwarded(""), "traceparent"));
  ASSERT_TRUE(sent);
  EXPECT_FALSE(sent->sampled);
  EXPECT_THAT(line_, HasSubstr(R"("trace_id":")"));
}

}  // namespace
}  // namespace headgate::shard
