// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/node_channels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::service {
namespace {

using namespace std::chrono_literals;

// The node's revision, as a compiler would give deltas to it: a change for everything past `concerned_since`.
class Channels : public testing::Test {
 protected:
  std::optional<contract::Delta> delta_since(Revision base) const {
    contract::Delta delta{base, revision_, {}, {}};
    if (base < concerned_since_) delta.removals.push_back({"node", contract::Kind::kPool, "x"});
    return delta;
  }
  NodeChannels::OnUpdate remember() {
    return [this](std::optional<contract::NodeUpdate> update) { updates_.push_back(std::move(update)); };
  }
  static TimePoint at(std::chrono::seconds seconds) { return TimePoint(seconds); }

  Revision revision_ = 5;
  Revision concerned_since_ = 0;
  std::vector<std::optional<contract::NodeUpdate>> updates_;
  NodeChannels channels_{[this](const std::string&, Revision base) { return delta_since(base); }};
};

TEST_F(Channels, APollWaitsForACommitThatConcernsTheNode) {
  channels_.poll("n", 5, at(30s), remember());
  EXPECT_TRUE(updates_.empty());
  revision_ = 6;
  channels_.committed({"other"});
  EXPECT_TRUE(updates_.empty());
  revision_ = concerned_since_ = 7;
  channels_.committed({"n", "other"});
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0]->delta->revision, 7u);
  channels_.committed({"n"});
  EXPECT_EQ(updates_.size(), 1u);
}

TEST_F(Channels, APollThatEndsMovesTheNodesBase) {
  channels_.poll("n", 5, at(30s), remember());
  EXPECT_EQ(channels_.next_deadline(), at(30s));
  channels_.expire(at(29s));
  EXPECT_TRUE(updates_.empty());
  revision_ = 9;
  channels_.expire(at(30s));
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0]->delta->base, 5u);
  EXPECT_EQ(updates_[0]->delta->revision, 9u);
  EXPECT_EQ(channels_.next_deadline(), TimePoint::max());
}

TEST_F(Channels, CommandsGoOutWithTheDelta) {
  channels_.command("n", {"l4", {"", "capture", "{}"}}, at(10s), [](const auto&) {});
  concerned_since_ = 5;
  channels_.poll("n", 4, at(30s), remember());
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_TRUE(updates_[0]->delta);
  EXPECT_EQ(updates_[0]->commands.size(), 1u);
}

TEST_F(Channels, AResultReachesWhoAskedOnlyFromTheNodeThatWasAsked) {
  std::vector<bool> answers;
  channels_.command("n", {"l4", {"", "capture", "{}"}}, at(10s),
                    [&](const auto& result) { answers.push_back(result.ok()); });
  channels_.poll("n", 5, at(30s), remember());
  const auto id = updates_[0]->commands[0].command.id;
  contract::NodeReport report;
  report.results = {{id, true, "{}"}};
  channels_.report("thief", report, at(1s), 0);
  EXPECT_TRUE(answers.empty());
  channels_.report("n", report, at(1s), 0);
  channels_.report("n", report, at(1s), 0);
  EXPECT_THAT(answers, testing::ElementsAre(true));
}

TEST_F(Channels, StatisticsStandUntilOthersCome) {
  const contract::ProcessStats counted{"l4", {{{"packets_total", {}, 7}}}};
  contract::NodeReport report;
  report.received = 4;
  report.stats = {{counted}};
  channels_.report("n", report, at(1s), 1000);
  report = {};
  report.received = 5;
  channels_.report("n", report, at(2s), 2000);
  const auto& state = channels_.states().at("n");
  EXPECT_EQ(state.report->received, 5u);
  EXPECT_EQ(state.reported_at_unix_ms, 2000);
  EXPECT_THAT(state.stats, testing::ElementsAre(counted));
  EXPECT_EQ(state.stats_at_unix_ms, 1000);
  report.stats.emplace();
  channels_.report("n", report, at(3s), 3000);
  EXPECT_TRUE(state.stats.empty());
  EXPECT_EQ(state.stats_at_unix_ms, 3000);
}

TEST_F(Channels, ACommandThatNobodyAnswersEndsAtItsDeadlineAndIsNotSentAnyMore) {
  std::vector<bool> answers;
  channels_.command("n", {"l4", {"", "capture", "{}"}}, at(10s),
                    [&](const auto& result) { answers.push_back(result.ok()); });
  channels_.expire(at(10s));
  EXPECT_THAT(answers, testing::ElementsAre(false));
  channels_.poll("n", 5, at(30s), remember());
  EXPECT_TRUE(updates_.empty());
}

TEST_F(Channels, CommandsOfANodeAreBounded) {
  std::size_t refused = 0;
  for (std::size_t i = 0; i < limits::kCommandsPerNodeMax + 3; ++i)
    channels_.command("n", {}, at(10s), [&](const auto& result) { refused += result.ok() ? 0 : 1; });
  EXPECT_EQ(refused, 3u);
  channels_.command("other", {}, at(10s), [&](const auto& result) { refused += result.ok() ? 0 : 1; });
  EXPECT_EQ(refused, 3u);
}

TEST_F(Channels, ANodeThatIsSilentIsNotConnected) {
  channels_.report("n", {}, at(100s), 0);
  const auto& state = channels_.states().at("n");
  EXPECT_TRUE(NodeChannels::is_connected(state, at(100s) + limits::kNodeSilentAfter));
  EXPECT_FALSE(NodeChannels::is_connected(state, at(101s) + limits::kNodeSilentAfter));
}

TEST_F(Channels, StopAnswersEverything) {
  std::size_t answers = 0;
  channels_.poll("n", 5, at(30s), remember());
  channels_.poll("m", 5, at(30s), remember());
  channels_.command("k", {}, at(10s), [&](const auto&) { ++answers; });
  channels_.stop();
  EXPECT_EQ(updates_.size(), 2u);
  EXPECT_EQ(answers, 1u);
}

}  // namespace
}  // namespace headgate::service
