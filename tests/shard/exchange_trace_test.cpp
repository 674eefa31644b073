// SPDX-License-Identifier: Apache-2.0
// Traces through an exchange: what the client said of its own, what the backend got, what the log says, what
// the collector gets, which the test plays by hand.
#include <fstream>

#include <gmock/gmock.h>

#include "dataplane/l7/trace_context.hpp"
#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kPlainOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const std::string kTraceId = "0af7651916cd43dd8448eb211c80319c";
const std::string kParent = "00-" + kTraceId + "-b7ad6b7169203331-01";

class ExchangeTraceTest : public ShardFixture {
 protected:
  void trace(uint32_t sample_percent = 100) {
    const auto endpoint = "http://127.0.0.1:" + std::to_string(collector_.port()) + "/v1/traces";
    settings_.tracing = contract::Boxed(contract::Tracing{endpoint, sample_percent, "test"});
  }
  void trust_client() { trusted_ = {*Prefix::parse("127.0.0.0/8")}; }

  // What the backend got; the log's line is in line_.
  std::string forwarded(const std::string& fields) {
    auto client = connect();
    client.send("GET /a HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    auto backend = backend_.accept();
    auto head = backend.read_head();
    backend.send(kPlainOk);
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

  // What one request to the collector says, once it has come.
  std::string exported() {
    if (!reporter_) reporter_ = collector_.accept();
    const auto head = reporter_.read_head();
    const auto at = head.find("Content-Length: ");
    if (at == std::string::npos) return "";
    const auto body = reporter_.read_exactly(std::stoul(head.substr(at + 16)));
    reporter_.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    return body;
  }
  static std::string attribute(const std::string& key, const std::string& text) {
    return R"({"key":")" + key + R"(","value":{"stringValue":")" + text + R"("}})";
  }
  static int64_t number_after(const std::string& text, const std::string& name) {
    return std::stoll(text.substr(text.find('"' + name + "\":\"") + name.size() + 4));
  }

  ListeningPeer collector_;
  SocketPeer reporter_;
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

TEST_F(ExchangeTraceTest, ASampledExchangeIsASpan) {
  trust_client();
  trace(0);
  start();
  const auto began_ns = unix_time_ns();
  auto client = connect();
  client.send("GET /a/../b?q=1 HTTP/1.1\r\nHost: app.example\r\nUser-Agent: test/1\r\ntraceparent: " +
              kParent + "\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  backend.send(kPlainOk);
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
  const auto body = exported();
  EXPECT_THAT(body, HasSubstr(attribute("service.name", "test")));
  EXPECT_THAT(body, HasSubstr(attribute("headgate.shard", "edge")));
  EXPECT_THAT(body, HasSubstr(R"({"traceId":")" + kTraceId + R"(","spanId":")" +
                              std::string(l7::span_id_of(field(head, "traceparent"))) +
                              R"(","parentSpanId":"b7ad6b7169203331","name":"GET all","kind":2,)"));
  for (const auto& [key, text] : std::map<std::string, std::string>{
           {"http.request.method", "GET"},
           {"url.scheme", "http"},
           {"url.path", "/b"},
           {"url.query", "q=1"},
           {"server.address", "app.example"},
           {"client.address", "127.0.0.1"},
           {"network.protocol.version", "1.1"},
           {"user_agent.original", "test/1"},
           {"http.route", "all"},
           {"headgate.listener", "web"},
           {"headgate.namespace", "default"},
           {"headgate.route", "app"},
           {"headgate.pool", "app"},
           {"headgate.endpoint", "127.0.0.1:" + std::to_string(backend_.port())}})
    EXPECT_THAT(body, HasSubstr(attribute(key, text)));
  EXPECT_THAT(body, HasSubstr(R"({"key":"http.response.status_code","value":{"intValue":"200"}})"));
  EXPECT_THAT(body, HasSubstr(R"("status":{}})"));
  EXPECT_THAT(body, Not(HasSubstr("error.type")));
  const auto start_ns = number_after(body, "startTimeUnixNano"),
             end_ns = number_after(body, "endTimeUnixNano");
  EXPECT_LE(began_ns - 1'000'000, start_ns) << "but for the turn of the loop that began before";
  EXPECT_LT(start_ns, end_ns);
  EXPECT_LE(end_ns, unix_time_ns());
  EXPECT_TRUE(counts(1, "spans_exported_total"));
}

TEST_F(ExchangeTraceTest, WhatIsNotSampledIsNotExported) {
  trace(0);
  start();
  forwarded("");
  EXPECT_FALSE(collector_.has_waiting()) << "the shard has ended, and that sends what there is";
}

TEST_F(ExchangeTraceTest, ManySpansGoInOneRequest) {
  trace();
  start();
  auto client = connect();
  const std::string request = "GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n";
  client.send(request + request + request);
  await([this] { return count("spans_total") == 3; });
  const auto body = exported();
  std::size_t spans = 0;
  for (auto at = body.find("\"spanId\""); at != std::string::npos; at = body.find("\"spanId\"", at + 1))
    ++spans;
  EXPECT_EQ(spans, 3u);
  EXPECT_THAT(body, HasSubstr(R"("name":"GET","kind":2)")) << "a path nobody serves is no name";
  EXPECT_THAT(body, HasSubstr(R"("status":{}})")) << "404 is the client's error";
  EXPECT_THAT(body, Not(HasSubstr("parentSpanId")));
}

TEST_F(ExchangeTraceTest, AnExchangeThatFailsSaysBy) {
  struct Case {
    const char* description;
    const char* answer;  // null: the backend closes
    const char* error;
  };
  trace();
  start();
  for (const auto& [description, answer, error] :
       {Case{"a 500 of the backend",
             "HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", "500"},
        Case{"a backend that closes", nullptr, "backend_closed"},
        Case{"a response cut short", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", "backend_closed"}}) {
    auto client = connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    auto backend = backend_.accept();
    backend.read_head();
    if (answer) backend.send(answer);
    backend.close();
    client.shutdown_write();
    client.read_all();
    const auto body = exported();
    EXPECT_THAT(body, HasSubstr(attribute("error.type", error))) << description;
    EXPECT_THAT(body, HasSubstr(R"("status":{"code":2}})")) << description;
  }
}

TEST_F(ExchangeTraceTest, ACollectorThatIsAwayIsNoticedAndHoldsUpNobody) {
  trace();
  const testing_support::RefusingPort nobody;
  settings_.tracing = contract::Boxed(
      contract::Tracing{"http://127.0.0.1:" + std::to_string(nobody.port()) + "/v1/traces", 100, ""});
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n");
  client.read_head();
  await([this] {
    const auto notices = shard_->notices();
    return std::any_of(notices.begin(), notices.end(), [](const contract::Notice& notice) {
      return notice.text.starts_with("the tracing endpoint takes no spans: ");
    });
  });
  EXPECT_EQ(count("spans_total"), 1u);
  EXPECT_EQ(count("spans_exported_total"), 0u);
}

TEST_F(ExchangeTraceTest, ACollectorThatHangsHoldsUpNoEnd) {
  trace();
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n");
  client.read_head();
  reporter_ = collector_.accept();
  reporter_.read_head();  // and never answers
  client.close();
  const auto began = monotonic_now();
  stop();
  EXPECT_LT(monotonic_now() - began, limits::kSpanFlushTimeout + 2s);
}

TEST_F(ExchangeTraceTest, TracingEndsWithItsConfiguration) {
  trace();
  start();
  settings_.tracing = {};
  apply(whole(pool({backend_.port()})));
  const auto head = forwarded("traceparent: " + kParent + "\r\n");
  EXPECT_EQ(field(head, "traceparent"), kParent);
}

}  // namespace
}  // namespace headgate::shard
