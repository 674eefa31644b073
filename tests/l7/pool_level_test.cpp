// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/pool_level.hpp"

#include <gtest/gtest.h>

#include "tests/l7/pool_fixture.hpp"

namespace headgate::l7 {
namespace {

using namespace std::chrono_literals;
using contract::Algorithm;

PoolSpec two_levels(uint32_t failover_percent = 0) {
  PoolSpec spec;
  spec.failover_percent = failover_percent;
  for (const char* host : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}) spec.backends.push_back({host});
  spec.backends.push_back({.host = "10.0.1.1", .priority = 5});
  spec.backends.push_back({.host = "10.0.1.2", .priority = 5});
  return spec;
}
constexpr const char* kBackup = "10.0.1.1:80 10.0.1.2:80";

TEST(PoolLevel, TheNextPriorityServesWhileNoneOfTheFirstIsUsable) {
  PoolFixture fixture(two_levels());
  EXPECT_EQ(fixture.eligible(), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80");
  fixture.down("10.0.0.1").down("10.0.0.2").down("10.0.0.3");
  EXPECT_EQ(fixture.eligible(), "10.0.0.4:80");
  fixture.down("10.0.0.4");
  EXPECT_EQ(fixture.eligible(), kBackup);
  fixture.up("10.0.0.2");
  EXPECT_EQ(fixture.eligible(), "10.0.0.2:80") << "failback";
}

TEST(PoolLevel, AThresholdFailsOverEarlier) {
  PoolFixture fixture(two_levels(50));
  fixture.down("10.0.0.1").down("10.0.0.2");
  EXPECT_EQ(fixture.eligible(), "10.0.0.3:80 10.0.0.4:80");
  fixture.down("10.0.0.3");
  EXPECT_EQ(fixture.eligible(), kBackup);
  fixture.down("10.0.1.1").down("10.0.1.2");
  EXPECT_EQ(fixture.eligible(), "10.0.0.4:80") << "where none has enough, the first that has any";
  fixture.up("10.0.0.1");
  EXPECT_EQ(fixture.eligible(), "10.0.0.1:80 10.0.0.4:80");
}

TEST(PoolLevel, ADrainingBackendCountsInNoLevel) {
  auto spec = two_levels(100);
  spec.backends[0].drain = true;
  EXPECT_EQ(PoolFixture(spec).eligible(), "10.0.0.2:80 10.0.0.3:80 10.0.0.4:80");
}

TEST(PoolLevel, EjectionsOfAThreadFailItOverAsDownDoes) {
  auto spec = two_levels(50);
  spec.outlier = contract::Outlier{
      .consecutive_5xx = 1, .base_ejection_time = contract::Millis(1'000), .ejected_percent_max = 100};
  PoolFixture fixture(spec);
  fixture.now = TimePoint{1h};
  for (const char* host : {"10.0.0.1", "10.0.0.2", "10.0.0.3"})
    ASSERT_EQ(fixture.report(host, TryResult::kServerError), Ejection::kEjected);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(fixture.chosen().starts_with("10.0.1."));
  fixture.now += 1s;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(fixture.chosen().starts_with("10.0.0."));
}

TEST(PoolLevel, AMaglevTableIsBuiltAnewOnlyWhereEndpointsChange) {
  auto spec = two_levels();
  spec.algorithm = Algorithm::kMaglev;
  PoolFixture fixture(spec);
  const auto first = fixture.pool->levels[0].maglev;
  const auto second = fixture.pool->levels[1].maglev;
  ASSERT_TRUE(first && second);
  fixture.down("10.0.0.2").up("10.0.0.2").down("10.0.0.3");
  EXPECT_EQ(fixture.pool->levels[0].maglev, first) << "health masks";
  spec.backends[4].weight = 2;
  fixture.change(spec);
  EXPECT_EQ(fixture.pool->levels[0].maglev, first);
  EXPECT_NE(fixture.pool->levels[1].maglev, second);
}

}  // namespace
}  // namespace headgate::l7
