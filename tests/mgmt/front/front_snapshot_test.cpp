// SPDX-License-Identifier: Apache-2.0
#include "mgmt/front/front_snapshot.hpp"

#include <gmock/gmock.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/contract/secret_names.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::front {
namespace {

using testing::ElementsAre;

class FrontSnapshotTest : public testing::Test {
 protected:
  template <typename T>
  T only() const {
    std::vector<T> found;
    for (const auto& [key, object] : delta_.upserts)
      if (const auto* one = std::get_if<T>(object.get())) found.push_back(*one);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? T() : found.front();
  }

  const contract::Delta delta_ = front_snapshot({.listen = *Endpoint::parse("[2001:db8::1]:7443"),
                                                 .backend = *Endpoint::parse("127.0.0.1:7080"),
                                                 .certificate = "PEM",
                                                 .key_digest = std::string(64, 'a')},
                                                17);
};

TEST_F(FrontSnapshotTest, IsAWholeOneThatAShardReads) {
  const auto read = contract::decode_delta(contract::encode(delta_));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->base, 0u);
  EXPECT_EQ(read->revision, 17u);
  contract::Snapshot ours, theirs;
  ASSERT_TRUE(contract::apply(ours, delta_).ok());
  ASSERT_TRUE(contract::apply(theirs, *read).ok());
  EXPECT_TRUE(ours == theirs);
}

TEST_F(FrontSnapshotTest, PassesAllThatComesByHttpsToHeadgated) {
  const auto listener = only<contract::Listener>();
  EXPECT_EQ((Endpoint{listener.address, listener.port}).to_string(), "[2001:db8::1]:7443");
  EXPECT_EQ(listener.protocol, contract::Protocol::kHttps);
  EXPECT_EQ(listener.hostname, "");
  EXPECT_TRUE(listener.trusted_proxies.empty());
  EXPECT_THAT(listener.tls->certificates, ElementsAre(only<contract::Certificate>().uid));
  const auto route = only<contract::Route>();
  EXPECT_THAT(route.listeners, ElementsAre(listener.uid));
  EXPECT_TRUE(route.hostnames.empty());
  const auto pool = only<contract::Pool>();
  for (const auto& rule : route.rules) EXPECT_EQ(rule.forward.at(0).pool, pool.uid);
  ASSERT_EQ(pool.backends.size(), 1u);
  EXPECT_EQ(pool.backends[0].host, "127.0.0.1");
  EXPECT_EQ(pool.backends[0].port, 7080);
  EXPECT_THAT(contract::secret_names(delta_), ElementsAre(std::string(64, 'a')));
}

// Nothing that headgated itself waits for is cut off in front of it.
TEST_F(FrontSnapshotTest, HasRoomForAllThatTheApiTakes) {
  const auto settings = only<contract::ShardSettings>();
  EXPECT_GE(settings.body_bytes_max, limits::kApiBodyBytesMax);
  EXPECT_GE(settings.header_bytes_max, limits::kApiHeadBytesMax);
  const auto waits_max =
      std::max<contract::Millis>(limits::kApiWaitMax, limits::kCaptureDurationMax + limits::kCaptureSlack);
  EXPECT_GT(settings.response_timeout, waits_max);
  for (const auto& rule : only<contract::Route>().rules) {
    EXPECT_EQ(rule.request_timeout, std::nullopt);
    EXPECT_EQ(rule.backend_request_timeout, std::nullopt);
    ASSERT_TRUE(rule.idle_timeout);
    if (rule.matches.at(0).path.value == "/v1/events") {
      EXPECT_GE(*rule.idle_timeout, std::chrono::hours(1));
    } else {
      EXPECT_GT(*rule.idle_timeout, waits_max);
    }
  }
}

}  // namespace
}  // namespace headgate::front
