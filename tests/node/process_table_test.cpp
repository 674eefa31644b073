// SPDX-License-Identifier: Apache-2.0
// The table over real processes (node-test-child), in the test's own loop.
#include "dataplane/node/process_table.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "dataplane/node/child_supervisor.hpp"
#include "tests/node/node_process.hpp"
#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;
using Objects = std::map<contract::ObjectKey, contract::ObjectPtr>;

class ProcessTableTest : public testing::Test {
 protected:
  ~ProcessTableTest() override {
    bool stopped = false;
    table_.stop_all([&] { stopped = true; });
    EXPECT_TRUE(turn_until([&] { return stopped; }));
  }

  static ProcessTable::Wanted wanted(const std::string& process, uint64_t fds_max = 0) {
    ProcessSpec spec;
    spec.process = process;
    spec.program = NODE_TEST_CHILD;
    spec.fds_max = fds_max;
    if (process != "l4") spec.arguments = {"--name", process.substr(process.find('/') + 1)};
    return {spec, {}, {}};
  }
  void want(const std::vector<ProcessTable::Wanted>& all) {
    std::map<std::string, ProcessTable::Wanted> by_name;
    for (const auto& one : all) by_name[one.spec.process] = one;
    table_.want(by_name);
  }
  // l4's listener and, where there is one, the shard's settings; `marker` makes them differ.
  static Objects objects(const std::string& marker, bool shard = true) {
    Objects objects;
    contract::L4Listener listener;
    listener.targets.emplace_back().name = marker;
    objects[{"l4", contract::Kind::kL4Listener, "x"}] = std::make_shared<const contract::Object>(listener);
    contract::ShardSettings settings;
    settings.name = marker;
    if (shard)
      objects[{"shard/edge", contract::Kind::kShardSettings, "s"}] =
          std::make_shared<const contract::Object>(settings);
    return objects;
  }
  void publish(Objects objects) {
    const contract::Snapshot next{snapshot_.revision + 1, std::move(objects)};
    const auto delta = contract::diff(snapshot_, next);
    ASSERT_TRUE(contract::apply(snapshot_, delta).ok());
    table_.on_delta(delta);
  }

  bool turn_until(const std::function<bool()>& condition) {
    const auto deadline = monotonic_now() + 20s;
    while (!condition() && monotonic_now() < deadline) loop_.turn(10ms);
    return condition();
  }
  bool applied(const std::string& process) {
    return turn_until([&] {
      for (const auto& status : table_.statuses())
        if (status.process == process && status.revision == snapshot_.revision) return true;
      return false;
    });
  }
  pid_t pid_of(const std::string& process) const {
    for (const auto& status : table_.statuses())
      if (status.process == process) return status.pid;
    return 0;
  }
  std::string ask(const std::string& process, const std::string& verb) {
    const auto id = std::to_string(++asked_);
    table_.send_command({process, {id, verb, "{}"}});
    EXPECT_TRUE(turn_until([&] { return results_.contains(id); }));
    return results_[id];
  }

  TemporaryDirectory directory_;
  EventLoop loop_;
  ChildSupervisor supervisor_{MemoryCgroups::find("headgate-test-" + std::to_string(::getpid()))};
  contract::Snapshot snapshot_;
  SecretStore secrets_{directory_ / "state"};
  std::map<std::string, std::string> results_;
  int asked_ = 0;
  ProcessTable table_{
      {loop_, supervisor_, snapshot_, secrets_, directory_.path()},
      directory_ / "hop",
      1000ms,
      {.on_change = [] {},
       .on_result = [this](const contract::CommandResult& result) { results_[result.id] = result.body; }}};
};

TEST_F(ProcessTableTest, AReplicaThatLeavesFollowsChangesAndMayStay) {
  publish(objects("a"));
  want({wanted("l4"), wanted("shard/edge/0")});
  ASSERT_TRUE(applied("l4") && applied("shard/edge/0"));
  const pid_t pid = pid_of("shard/edge/0");
  ask("l4", "refuse");  // so it goes on sending to the replica
  publish(objects("b"));
  want({wanted("l4")});
  publish(objects("c"));
  want({wanted("l4"), wanted("shard/edge/0")});
  EXPECT_TRUE(applied("shard/edge/0"));
  EXPECT_EQ(pid_of("shard/edge/0"), pid);
  publish(objects("d"));
  EXPECT_TRUE(applied("shard/edge/0"));
}

TEST_F(ProcessTableTest, WhatAShardThatLeavesLosesWaitsForL4) {
  publish(objects("a"));
  want({wanted("l4"), wanted("shard/edge/0")});
  ASSERT_TRUE(applied("l4") && applied("shard/edge/0"));
  ask("l4", "refuse");
  publish(objects("b", false));
  want({wanted("l4")});
  ask("l4", "accept");  // it has refused by now
  publish(objects("c"));
  want({wanted("l4"), wanted("shard/edge/0")});
  EXPECT_TRUE(applied("shard/edge/0"));
  EXPECT_EQ(ask("shard/edge/0", "told"), "configure 1\nconfigure 3\n");
}

TEST_F(ProcessTableTest, ACommandIsWaitedForAsLongAsItSays) {
  publish(objects("a"));
  want({wanted("l4")});
  ASSERT_TRUE(applied("l4"));
  ask("l4", "hang");
  table_.send_command({"l4", {.id = "late", .verb = "told", .body = "{}", .timeout = 50ms}});
  EXPECT_TRUE(turn_until([&] { return results_.contains("late"); }));
  EXPECT_EQ(results_["late"], "l4 did not answer in time");
}

TEST_F(ProcessTableTest, AReplicaThatIsReplacedAgainBeforeItServesGoes) {
  publish(objects("a"));
  want({wanted("shard/edge/0", 100)});
  ASSERT_TRUE(applied("shard/edge/0"));
  const pid_t first = pid_of("shard/edge/0");
  want({wanted("shard/edge/0", 101)});
  const pid_t second = pid_of("shard/edge/0");
  want({wanted("shard/edge/0", 102)});
  const pid_t third = pid_of("shard/edge/0");
  EXPECT_TRUE(turn_until([&] { return !is_alive(first) && !is_alive(second); }));
  EXPECT_TRUE(table_.serving("shard/edge/0"));
  EXPECT_EQ(pid_of("shard/edge/0"), third);
}

}  // namespace
}  // namespace headgate::node
