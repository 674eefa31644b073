// SPDX-License-Identifier: Apache-2.0
// Our own errors as gRPC clients see them, and as log and counters do.
#include <gmock/gmock.h>

#include "tests/shard/log_lines.hpp"
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using contract::LogField;
using testing::ElementsAre;
using testing_support::Fields;
using testing_support::Http2Message;
using testing_support::Http2Peer;

class GrpcAnswerTest : public ShardFixture {
 protected:
  void SetUp() override {
    ShardFixture::SetUp();
    settings_.access_log_fields = {LogField::kStatus, LogField::kEnding, LogField::kDetail};
    settings_.access_log_response_headers = {"grpc-status"};
  }

  Http2Message call(const std::string& authority, const std::string& type = "application/grpc+proto") {
    Http2Peer client(Http2Peer::Role::kClient, connect());
    const auto id = client.request({{":method", "POST"},
                                    {":scheme", "http"},
                                    {":authority", authority},
                                    {":path", "/lab.Peer/Say"},
                                    {"content-type", type},
                                    {"te", "trailers"}},
                                   false);
    EXPECT_TRUE(client.await_end(id));
    return client.message(id);
  }

  std::vector<std::string> lines() {
    await([this] { return count("exchanges_total") == count("requests_total"); });
    stop();
    return lines_of(log_path_);
  }
};

TEST_F(GrpcAnswerTest, AnErrorIsAHeadThatEndsTheCall) {
  start();
  const auto answer = call("nobody.example");
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.field("content-type"), "application/grpc");
  EXPECT_EQ(answer.field("grpc-status"), "12");
  EXPECT_EQ(answer.field("grpc-message"), "Not Found: no_rule");
  EXPECT_EQ(answer.field("content-length"), "");
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(answer.trailers.empty());
}

TEST_F(GrpcAnswerTest, LogAndCountersHaveOurOwnStatus) {
  const RefusingPort nobody;
  start(pool({nobody.port()}));
  EXPECT_EQ(call("a").field("grpc-status"), "14");
  EXPECT_TRUE(counts(1, "responses_5xx_total"));
  EXPECT_EQ(count("responses_2xx_total"), 0u);
  EXPECT_THAT(
      lines(),
      ElementsAre(
          R"({"status":503,"ending":"backend_unreachable","detail":"all_backends_tried","response_headers":{"grpc-status":"14"}})"));
}

TEST_F(GrpcAnswerTest, WhatAFilterRefusesIsAnErrorToo) {
  contract::Filters filters;
  filters.rate_limit = contract::RateLimit{1, std::chrono::minutes(60), 1, contract::RateKey::kClient, ""};
  filters.response_headers = contract::HeaderEdit{{{"x-a", "rule"}}, {}, {}};
  rule_filters_ = contract::Boxed<contract::Filters>(filters);
  start(pool({}));
  EXPECT_EQ(call("a").field("grpc-message"), "Service Unavailable: no_usable_backend");
  const auto refused = call("a");
  EXPECT_EQ(refused.status(), "200");
  EXPECT_EQ(refused.field("grpc-status"), "14");
  EXPECT_EQ(refused.field("grpc-message"), "Too Many Requests: rate_limit");
  EXPECT_NE(refused.field("retry-after"), "");
  EXPECT_EQ(refused.field("x-a"), "rule");
}

TEST_F(GrpcAnswerTest, OfWhatARuleAnswersErrorsAreErrors) {
  contract::Filters filters;
  filters.direct_response = contract::DirectResponse{503, "at night\nwe sleep\n", {}};
  rule_filters_ = contract::Boxed<contract::Filters>(filters);
  start();
  const auto answer = call("a");
  EXPECT_EQ(answer.field("grpc-status"), "14");
  EXPECT_EQ(answer.field("grpc-message"), "at night%0Awe sleep");
  auto other = route();
  filters.direct_response = contract::DirectResponse{200, "", {{"grpc-status", "0"}}};
  other.rules[0].filters = contract::Boxed<contract::Filters>(filters);
  apply(delta({settings_, web_listener(), other, pool({})}));
  EXPECT_EQ(call("a").field("grpc-status"), "0");
}

TEST_F(GrpcAnswerTest, OthersGetTextAsEver) {
  start();
  const auto answer = call("nobody.example", "application/grpc-web");
  EXPECT_EQ(answer.status(), "404");
  EXPECT_EQ(answer.field("grpc-status"), "");
  auto client = connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: nobody.example\r\nContent-Type: application/grpc\r\nContent-Length: "
      "0\r\n\r\n");
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 404 "));
}

}  // namespace
}  // namespace headgate::shard
