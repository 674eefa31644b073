// SPDX-License-Identifier: Apache-2.0
// What a client over HTTP/2 may do a few times and not without end: each ends its connection, and is counted.
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard::http2 {
namespace {

using testing_support::http2_frame;
using testing_support::Http2Peer;

class ServerFloodsTest : public ShardFixture {
 protected:
  static constexpr contract::Http2Limits kLimits{};
  static constexpr uint32_t kResetsAtOnce = limits::kHttp2BurstSeconds * kLimits.resets_per_second;
  static constexpr uint32_t kControlFramesAtOnce =
      limits::kHttp2BurstSeconds * kLimits.control_frames_per_second;

  std::unique_ptr<Http2Peer> client() {
    return std::make_unique<Http2Peer>(Http2Peer::Role::kClient, connect());
  }
  // A client that says nothing else, and faster than we may answer.
  void expect_to_end_a_flood_of(const std::string& frame, const std::string& beginning = {}) {
    start();
    auto raw = connect();
    std::string bytes = testing_support::http2_preface() + beginning;
    for (uint32_t i = 0; i < 2 * kControlFramesAtOnce; ++i) bytes += frame;
    raw.send(bytes);
    raw.read_all();
    EXPECT_TRUE(counts(1, "http2_control_floods_total"));
    EXPECT_EQ(count("http2_violations_total"), 0u);
  }
  // Each request is followed, in the same write, by a frame that ends it: no answer can come in between.
  void expect_to_end_a_flood_of_requests_with(uint8_t type, const std::string& payload) {
    start();
    auto raw = connect();
    std::string bytes = testing_support::http2_preface();
    for (uint32_t id = 1; id < 2 * 3 * kResetsAtOnce; id += 2) {
      bytes += http2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id,
                           "\x82\x84\x86\x01\x01"
                           "a");
      bytes += http2_frame(type, 0, id, payload);
    }
    raw.send(bytes);
    raw.read_all();
    EXPECT_TRUE(counts(1, "http2_reset_floods_total"));
    EXPECT_LE(count("requests_total"), kResetsAtOnce + 1);
    EXPECT_EQ(count("requests_total"), count("exchanges_total", "client_gone"));
  }
  // POST / of "a", whose body follows.
  static std::string begun_upload() {
    return http2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
                       "\x83\x84\x86\x01\x01"
                       "a");
  }
};

TEST_F(ServerFloodsTest, HowOftenIsTheShardsToSay) {
  settings_.http2.control_frames_per_second = 1;
  start();
  auto raw = connect();
  std::string bytes = testing_support::http2_preface();
  for (uint32_t i = 0; i < 3 * limits::kHttp2BurstSeconds; ++i)
    bytes += http2_frame(NGHTTP2_PING, 0, 0, "8 bytes.");
  raw.send(bytes);
  raw.read_all();
  EXPECT_TRUE(counts(1, "http2_control_floods_total"));
}

TEST_F(ServerFloodsTest, RapidResetEndsTheConnection) {
  expect_to_end_a_flood_of_requests_with(NGHTTP2_RST_STREAM, std::string("\0\0\0\x08", 4));
  EXPECT_FALSE(backend_.has_waiting());
}

// MadeYouReset: it breaks the rules of a stream, by a window of more than 2^31 - 1, so that the reset is
// ours.
TEST_F(ServerFloodsTest, MakingUsResetCountsAsResetting) {
  expect_to_end_a_flood_of_requests_with(NGHTTP2_WINDOW_UPDATE, "\x7f\xff\xff\xff");
}

TEST_F(ServerFloodsTest, APingFloodEndsTheConnection) {
  start();
  auto peer = client();
  for (uint32_t i = 0; i < 3 * kControlFramesAtOnce && !peer->goaway(); ++i) {
    nghttp2_submit_ping(peer->library(), NGHTTP2_FLAG_NONE, nullptr);
    peer->flush();
    while (peer->read_some(0)) {
    }
  }
  EXPECT_TRUE(peer->await([&] { return peer->goaway().has_value(); }));
  // Where they come faster than their answers go, the bound of the queue of answers is met first.
  EXPECT_EQ(count("http2_control_floods_total") + count("http2_violations_total"), 1u);
}

// It waits for an answer to each, so the queue of answers never meets its own bound.
TEST_F(ServerFloodsTest, ASettingsFloodEndsTheConnection) {
  start();
  auto peer = client();
  for (uint32_t i = 0; i < 3 * kControlFramesAtOnce && !peer->goaway(); ++i) {
    nghttp2_submit_settings(peer->library(), NGHTTP2_FLAG_NONE, nullptr, 0);
    peer->flush();
    ASSERT_TRUE(peer->read_some(testing_support::kDeadlineMs));
  }
  ASSERT_TRUE(peer->await([&] { return peer->goaway().has_value(); }));
  EXPECT_EQ(*peer->goaway(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
  EXPECT_TRUE(counts(1, "http2_control_floods_total"));
  EXPECT_EQ(count("http2_violations_total"), 0u);
}

TEST_F(ServerFloodsTest, APriorityFloodEndsTheConnection) {
  expect_to_end_a_flood_of(http2_frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\x10", 5)));
}

TEST_F(ServerFloodsTest, AFloodOfEmptyDataEndsTheConnection) {
  expect_to_end_a_flood_of(http2_frame(NGHTTP2_DATA, 0, 1, ""), begun_upload());
}

TEST_F(ServerFloodsTest, AFloodOfDataThatIsPaddingEndsTheConnection) {
  expect_to_end_a_flood_of(http2_frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string("\x03\0\0\0", 4)),
                           begun_upload());
}

TEST_F(ServerFloodsTest, AContinuationFloodEndsTheConnection) {
  start();
  auto raw = connect();
  std::string bytes = testing_support::http2_preface() + http2_frame(NGHTTP2_HEADERS, 0, 1, "\x82");
  for (int i = 0; i < 1000; ++i) bytes += http2_frame(NGHTTP2_CONTINUATION, 0, 1, "\x84");
  raw.send(bytes);
  EXPECT_NE(raw.read_all().find(std::string("\x07\0\0\0\0\0", 6)), std::string::npos);  // GOAWAY
  EXPECT_TRUE(counts(1, "http2_violations_total"));
}

// A little over the limit is a 431: LimitsAnswerByTheirStatus.
TEST_F(ServerFloodsTest, AHeaderSectionFarOverTheLimitEndsTheConnection) {
  settings_.header_bytes_max = 1000;
  start();
  auto peer = client();
  peer->request({{":method", "GET"},
                 {":scheme", "http"},
                 {":authority", "a"},
                 {":path", "/"},
                 {"x", std::string(limits::kHttp2SectionExcess * 1000, 'x')}});
  ASSERT_TRUE(peer->await([&] { return peer->goaway().has_value(); }));
  EXPECT_EQ(*peer->goaway(), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
  EXPECT_TRUE(counts(1, "http2_header_floods_total"));
  EXPECT_EQ(count("http2_violations_total"), 0u);
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(ServerFloodsTest, AHeaderSectionThatDripsIsCutOff) {
  settings_.header_timeout = 60ms;
  start();
  auto raw = connect();
  raw.send(testing_support::http2_preface() + http2_frame(NGHTTP2_HEADERS, 0, 1, "\x82"));
  raw.read_all();
  EXPECT_TRUE(counts(1, "http2_header_timeouts_total"));
}

}  // namespace
}  // namespace headgate::shard::http2
