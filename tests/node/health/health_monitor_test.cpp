// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/health_monitor.hpp"

#include <gtest/gtest.h>

#include "tests/node/health/backend.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;
using contract::Delta;
using contract::HealthKey;

contract::Pool pool(const std::vector<Endpoint>& backends) {
  contract::Pool pool;
  pool.uid = "p1";
  for (const auto& backend : backends)
    pool.backends.push_back({backend.address.to_string(), backend.port, 1, false});
  pool.health = contract::HealthCheck{.interval = 50ms, .rise = 2, .fall = 2, .host = {}};
  return pool;
}

contract::ObjectKey key(const std::string& audience) { return {audience, contract::Kind::kPool, "p1"}; }
contract::Upsert upsert(const std::string& audience, contract::Pool object) {
  return {key(audience), std::make_shared<const contract::Object>(std::move(object))};
}

class HealthMonitorTest : public testing::Test {
 protected:
  bool usable(const Endpoint& endpoint) {
    const auto view = monitor_.view_of("shard/a");
    const auto found = view.find({"p1", endpoint.to_string()});
    return found == view.end() || found->second.endpoints.at(0).usable;
  }
  EventLoop loop_;
  unsigned changes_ = 0;
  HealthMonitor monitor_{loop_, [this] { ++changes_; }};
};

TEST_F(HealthMonitorTest, ABackendGoesDownAndComesBack) {
  auto backend = std::make_unique<Backend>(loop_);
  const auto endpoint = backend->endpoint();
  monitor_.on_delta({0, 1, {upsert("shard/a", pool({endpoint}))}, {}});
  EXPECT_TRUE(usable(endpoint));
  backend.reset();
  ASSERT_TRUE(turn_until(loop_, [&] { return !usable(endpoint); }));
  EXPECT_EQ(monitor_.report().at(0).endpoints.at(0).reason, "Connection refused");
  backend = std::make_unique<Backend>(loop_, endpoint.port);
  ASSERT_TRUE(turn_until(loop_, [&] { return usable(endpoint); }));
  EXPECT_EQ(changes_, 2u);
}

TEST_F(HealthMonitorTest, APoolOfTwoShardsIsProbedOnceAndLeavesWithTheLast) {
  Backend backend(loop_);
  const auto object = pool({backend.endpoint()});
  monitor_.on_delta({0, 1, {upsert("shard/a", object), upsert("shard/b", object)}, {}});
  EXPECT_EQ(monitor_.report().size(), 1u);
  EXPECT_EQ(monitor_.view_of("shard/b").size(), 1u);
  monitor_.on_delta({1, 2, {}, {key("shard/a")}});
  EXPECT_TRUE(monitor_.view_of("shard/a").empty());
  EXPECT_EQ(monitor_.view_of("shard/b").size(), 1u);
  monitor_.on_delta({2, 3, {}, {key("shard/b")}});
  EXPECT_TRUE(monitor_.report().empty());
}

TEST_F(HealthMonitorTest, AChangedPoolKeepsWhatIsKnownOfBackendsThatStay) {
  Backend good(loop_);
  Endpoint closed;
  {
    Backend backend(loop_);
    closed = backend.endpoint();
  }
  monitor_.on_delta({0, 1, {upsert("shard/a", pool({closed}))}, {}});
  ASSERT_TRUE(turn_until(loop_, [&] { return !usable(closed); }));
  monitor_.on_delta({1, 2, {upsert("shard/a", pool({closed, good.endpoint()}))}, {}});
  EXPECT_FALSE(usable(closed));
  EXPECT_TRUE(usable(good.endpoint()));
}

TEST_F(HealthMonitorTest, AFullSnapshotForgetsWhatItDoesNotName) {
  Backend backend(loop_);
  monitor_.on_delta({0, 1, {upsert("shard/a", pool({backend.endpoint()}))}, {}});
  monitor_.on_delta({0, 2, {}, {}});
  EXPECT_TRUE(monitor_.report().empty());
}

TEST_F(HealthMonitorTest, ANamedBackendHasTheAddressesOfItsName) {
  contract::Pool named;
  named.uid = "p1";
  named.backends.push_back({"localhost", 8080, 1, false});
  monitor_.on_delta({0, 1, {upsert("shard/a", named)}, {}});
  ASSERT_EQ(monitor_.report().size(), 1u);
  EXPECT_TRUE(monitor_.report().at(0).endpoints.empty());  // not resolved yet
  ASSERT_TRUE(turn_until(loop_, [&] { return !monitor_.report().at(0).endpoints.empty(); }));
  const auto endpoint = monitor_.report().at(0).endpoints.at(0);
  EXPECT_TRUE(endpoint.endpoint.address.is_loopback());
  EXPECT_EQ(endpoint.endpoint.port, 8080);
  EXPECT_TRUE(endpoint.usable);
}

}  // namespace
}  // namespace headgate::node
