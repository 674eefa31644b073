// SPDX-License-Identifier: Apache-2.0
// The exporter against a collector that the test plays by hand.
#include "dataplane/otlp/span_exporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"
#include "tests/support/socket_peer.hpp"

namespace headgate::otlp {
namespace {

using testing::HasSubstr;
using testing_support::ListeningPeer;
using testing_support::RefusingPort;
using testing_support::SocketPeer;
using namespace std::chrono_literals;

constexpr const char* kTaken = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

class SpanExporterTest : public testing::Test {
 protected:
  static ExportTarget target(uint16_t port) {
    return {"http://127.0.0.1:" + std::to_string(port) + "/v1/traces", {{"service.name", "test"}}};
  }
  bool post(const std::string& span, uint32_t count = 1) { return exporter_->post(0, {span, count}); }

  struct Received {
    std::string head;
    std::string body;
  };
  static Received read(SocketPeer& peer) {
    Received got{peer.read_head(), {}};
    const auto at = got.head.find("Content-Length: ");
    if (at != std::string::npos) got.body = peer.read_exactly(std::stoul(got.head.substr(at + 16)));
    return got;
  }
  template <typename Condition>
  static void await(Condition condition) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(testing_support::kDeadlineMs);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  // How long its end has taken.
  Duration end() {
    const auto began = monotonic_now();
    exporter_.reset();
    return monotonic_now() - began;
  }

  ListeningPeer collector_;
  std::unique_ptr<SpanExporter> exporter_ = std::make_unique<SpanExporter>(1);
};

TEST_F(SpanExporterTest, PostsWhatItGetsOverOneConnection) {
  exporter_->configure(target(collector_.port()));
  ASSERT_TRUE(post("{\"a\":1}"));
  auto peer = collector_.accept();
  auto got = read(peer);
  EXPECT_THAT(got.head, testing::StartsWith("POST /v1/traces HTTP/1.1\r\n"));
  EXPECT_THAT(got.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_EQ(got.body, write_export_request({{"service.name", "test"}}, "{\"a\":1}"));
  ASSERT_TRUE(post("{\"b\":1}"));
  ASSERT_TRUE(post("{\"c\":1}", 2));
  peer.send(kTaken);
  got = read(peer);
  EXPECT_THAT(got.body, HasSubstr("[{\"b\":1},{\"c\":1}]")) << "what came meanwhile goes in one";
  peer.send(kTaken);
  await([this] { return exporter_->exported() == 4; });
  EXPECT_EQ(exporter_->dropped(), 0u);
  EXPECT_EQ(exporter_->fault(), "");
}

TEST_F(SpanExporterTest, WithoutATargetNothingIsTaken) { EXPECT_FALSE(post("{}")); }

TEST_F(SpanExporterTest, WhatIsNotWantedAnyMoreIsDropped) {
  exporter_->configure(target(collector_.port()));
  exporter_->configure({});
  ASSERT_TRUE(post("{}", 3));
  await([this] { return exporter_->dropped() == 3; });
  EXPECT_FALSE(collector_.has_waiting());
}

TEST_F(SpanExporterTest, ARefusedRequestIsNotSentAgain) {
  exporter_->configure(target(collector_.port()));
  ASSERT_TRUE(post("{}", 3));
  auto peer = collector_.accept();
  read(peer);
  peer.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
  await([this] { return exporter_->dropped() == 3; });
  EXPECT_EQ(exporter_->fault(), "it answers 400");
  ASSERT_TRUE(post("{}"));
  read(peer);
  peer.send(kTaken);
  await([this] { return exporter_->exported() == 1; });
  EXPECT_EQ(exporter_->fault(), "");
}

TEST_F(SpanExporterTest, ACollectorThatIsBusyIsAskedAgain) {
  exporter_->configure(target(collector_.port()));
  ASSERT_TRUE(post("{\"a\":1}"));
  auto peer = collector_.accept();
  const auto first = read(peer);
  peer.send("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
  const auto second = read(peer);
  EXPECT_EQ(first.body, second.body);
  peer.send(kTaken);
  await([this] { return exporter_->exported() == 1; });
}

TEST_F(SpanExporterTest, WhileItHangsTheQueueFillsAndNobodyWaits) {
  exporter_->configure(target(collector_.port()));
  ASSERT_TRUE(post("{}"));
  auto peer = collector_.accept();
  read(peer);  // and never answers
  uint64_t posted = 0;
  while (post("{}")) ASSERT_LE(++posted, limits::kSpanPiecesWaitingMax);
  EXPECT_EQ(posted, limits::kSpanPiecesWaitingMax);
  EXPECT_LT(end(), limits::kSpanFlushTimeout + 1s);
}

TEST_F(SpanExporterTest, ItsEndSendsWhatIsLeft) {
  exporter_->configure(target(collector_.port()));
  std::thread collector([this] {
    auto peer = collector_.accept();
    for (int taken = 0; taken < 2;) {
      const auto body = read(peer).body;
      taken += body.find("\"a\"") != std::string::npos;
      taken += body.find("\"b\"") != std::string::npos;
      peer.send(kTaken);
    }
  });
  ASSERT_TRUE(post("{\"a\":1}"));
  ASSERT_TRUE(post("{\"b\":1}"));
  EXPECT_LT(end(), limits::kSpanFlushTimeout);
  collector.join();
}

TEST_F(SpanExporterTest, ItsEndWaitsForNoPause) {
  const RefusingPort nobody;
  exporter_->configure(target(nobody.port()));
  ASSERT_TRUE(post("{}"));
  await([this] { return !exporter_->fault().empty(); });
  EXPECT_LT(end(), limits::kSpanFlushTimeout);
}

}  // namespace
}  // namespace headgate::otlp
