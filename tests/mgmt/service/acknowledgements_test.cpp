// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/acknowledgements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::service {
namespace {

contract::NodeReport applied(Revision revision, std::string refused = "") {
  contract::NodeReport report;
  report.applied = revision;
  report.refused_reason = std::move(refused);
  return report;
}

std::vector<std::string> names(const std::vector<Missing>& missing) {
  std::vector<std::string> names;
  for (const auto& one : missing) names.push_back(one.node);
  return names;
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Acknowledgements, WithoutNodesEverythingIsApplied) {
  const Acknowledgements acknowledgements(5, {});
  EXPECT_THAT(acknowledgements.missing(5), IsEmpty());
  EXPECT_EQ(acknowledgements.applied(), 5u);
}

TEST(Acknowledgements, AfterAStartEveryNodeMustReportAnew) {
  Acknowledgements acknowledgements(5, {"a", "b"});
  EXPECT_THAT(names(acknowledgements.missing(3)), ElementsAre("a", "b"));
  acknowledgements.reported("a", applied(5));
  acknowledgements.reported("b", applied(4));
  EXPECT_THAT(names(acknowledgements.missing(5)), ElementsAre("b"));
  EXPECT_THAT(acknowledgements.missing(4), IsEmpty());
  EXPECT_EQ(acknowledgements.applied(), 4u);
}

TEST(Acknowledgements, ANodeIsAskedOnlyForWhatConcernsIt) {
  Acknowledgements acknowledgements(1, {"a", "b"});
  acknowledgements.reported("a", applied(1));
  acknowledgements.reported("b", applied(1));
  acknowledgements.committed(2, {"a"});
  acknowledgements.committed(3, {});
  EXPECT_THAT(names(acknowledgements.missing(2)), ElementsAre("a"));
  EXPECT_THAT(acknowledgements.missing(3), IsEmpty());
  EXPECT_EQ(acknowledgements.applied(), 1u);
  acknowledgements.reported("a", applied(2));
  EXPECT_THAT(acknowledgements.missing(2), IsEmpty());
  EXPECT_EQ(acknowledgements.applied(), 3u);
}

TEST(Acknowledgements, ANewNodeLacksEverything) {
  Acknowledgements acknowledgements(1, {});
  acknowledgements.committed(2, {"new"});
  EXPECT_THAT(names(acknowledgements.missing(1)), ElementsAre("new"));
  EXPECT_EQ(acknowledgements.applied(), 0u);
  acknowledgements.reported("new", applied(2));
  EXPECT_THAT(acknowledgements.missing(1), IsEmpty());
}

TEST(Acknowledgements, ARemovedNodeIsWaitedForNoMore) {
  Acknowledgements acknowledgements(1, {"a"});
  acknowledgements.committed(2, {"a"});
  acknowledgements.removed("a");
  EXPECT_THAT(acknowledgements.missing(2), IsEmpty());
  acknowledgements.reported("a", applied(1));  // its last words come late
  EXPECT_THAT(acknowledgements.missing(2), IsEmpty());
}

TEST(Acknowledgements, SayWhoRefusesAndWhy) {
  Acknowledgements acknowledgements(1, {"a"});
  acknowledgements.committed(2, {"a"});
  acknowledgements.reported("a", applied(1, "no memory"));
  const auto missing = acknowledgements.missing(2);
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_TRUE(missing[0].refused);
  EXPECT_THAT(missing[0].reason, testing::HasSubstr("no memory"));
  auto report = applied(1);
  report.processes.emplace_back();
  report.processes[0].process = "shard/edge/0";
  report.processes[0].refused_reason = "no fd";
  acknowledgements.reported("a", report);
  EXPECT_THAT(acknowledgements.missing(2)[0].reason, testing::HasSubstr("shard/edge/0: no fd"));
}

TEST(Acknowledgements, OfANodeThatLagsFarStayTrueInBoundedMemory) {
  Acknowledgements acknowledgements(1, {"a"});
  acknowledgements.reported("a", applied(1));
  const Revision last = 3 * limits::kRevisionsPendingMax;
  for (Revision revision = 2; revision <= last; ++revision) acknowledgements.committed(revision, {"a"});
  for (const Revision revision : {Revision{2}, last / 2, last})
    EXPECT_THAT(names(acknowledgements.missing(revision)), ElementsAre("a")) << revision;
  acknowledgements.reported("a", applied(last));
  EXPECT_THAT(acknowledgements.missing(2), IsEmpty());
  EXPECT_EQ(acknowledgements.applied(), last);
}

TEST(Acknowledgements, BelieveNoNodeThatIsAheadOfUs) {
  Acknowledgements acknowledgements(1, {"a"});
  acknowledgements.reported("a", applied(1000));
  acknowledgements.committed(2, {"a"});
  EXPECT_THAT(names(acknowledgements.missing(2)), ElementsAre("a"));
}

}  // namespace
}  // namespace headgate::service
