// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/target_phases.hpp"

#include <gmock/gmock.h>

#include "dataplane/core/limits.hpp"

namespace headgate::fastpath {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimePoint kBegin{1000s};
constexpr TargetPhases::Rules kSlow{.slow_start = 10s, .drain_timeout = {}};
constexpr TargetPhases::Rules kDrains{.slow_start = {}, .drain_timeout = 30s};

TEST(TargetPhases, WhatIsThereFromTheBeginningIsWarm) {
  TargetPhases phases;
  phases.update({}, kBegin);
  phases.update({{1, {kSlow}}}, kBegin);
  EXPECT_EQ(phases.share(1, kBegin), 1);
  EXPECT_EQ(phases.next_change(kBegin), std::nullopt);
}

TEST(TargetPhases, WhatComesLaterOrComesBackTakesAGrowingShare) {
  TargetPhases phases;
  phases.update({{1, {kSlow}}}, kBegin);
  phases.update({{1, {kSlow, false}}, {2, {kSlow}}}, kBegin + 1s);
  EXPECT_EQ(phases.share(2, kBegin + 1s), limits::kSlowStartShareMin);
  EXPECT_NEAR(phases.share(2, kBegin + 6s), 0.5, 1e-9);
  EXPECT_EQ(phases.share(2, kBegin + 11s), 1);
  EXPECT_EQ(phases.share(1, kBegin + 1s), 1) << "it is masked, and does not start yet";
  phases.update({{1, {kSlow}}, {2, {kSlow}}}, kBegin + 20s);
  EXPECT_EQ(phases.share(1, kBegin + 20s), limits::kSlowStartShareMin);
  EXPECT_EQ(phases.share(2, kBegin + 20s), 1);
  EXPECT_EQ(phases.next_change(kBegin + 20s), kBegin + 20'100ms);
  EXPECT_EQ(phases.next_change(kBegin + 29'950ms), kBegin + 30s);
  EXPECT_EQ(phases.next_change(kBegin + 30s), std::nullopt);
}

TEST(TargetPhases, ADrainEndsAfterItsTimeout) {
  TargetPhases phases;
  phases.update({{1, {kDrains}}, {2, {TargetPhases::Rules{}, true, true}}}, kBegin);
  phases.update({{1, {kDrains, true, true}}, {2, {TargetPhases::Rules{}, true, true}}}, kBegin + 1s);
  phases.update({{1, {kDrains, true, true}}, {2, {TargetPhases::Rules{}, true, true}}}, kBegin + 20s);
  EXPECT_THAT(phases.ended(kBegin + 30s), IsEmpty());
  EXPECT_EQ(phases.next_change(kBegin + 30s), kBegin + 31s);
  EXPECT_THAT(phases.ended(kBegin + 31s), ElementsAre(1));
  EXPECT_EQ(phases.next_change(kBegin + 31s), std::nullopt);
  phases.update({{1, {kDrains}}}, kBegin + 40s);
  EXPECT_THAT(phases.ended(kBegin + 40s), IsEmpty()) << "it is back";
}

}  // namespace
}  // namespace headgate::fastpath
