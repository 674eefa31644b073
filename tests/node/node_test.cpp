// SPDX-License-Identifier: Apache-2.0
// The whole headgate-node as a process, with a management plane that the test plays and processes that speak
// the real contract: what it starts, keeps, survives and reports.
#include "dataplane/node/node.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/unix_address.hpp"
#include "tests/node/node_fixture.hpp"

namespace headgate::node {
namespace {

TEST_F(NodeTest, EnrolsStartsAReplicaAndReportsItsAcknowledgement) {
  api_.publish(objects(1));
  node_.start();
  const auto report = api_.wait_applied();
  EXPECT_EQ(report.received, 1u);
  const auto* status = status_of(report, "shard/edge/0");
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(status->state, ProcessState::kRunning);
  EXPECT_EQ(status->revision, 1u);
  EXPECT_EQ(ask_pid(listener_), status->pid);
  struct stat credential {};
  ASSERT_EQ(::stat((node_.directory() / "state" / "credential").c_str(), &credential), 0);
  EXPECT_EQ(credential.st_mode & 0777, 0600u);
  EXPECT_EQ(api_.enrolments(), 1u);
}

TEST_F(NodeTest, StatisticsComeWhenTheyAreDueAndNotWithEachAcknowledgement) {
  api_.publish(objects(1));
  node_.start();
  const auto has_stats = [](const NodeReport& seen) { return seen.stats.has_value(); };
  api_.wait_for_report("statistics", has_stats);
  bool without = false;
  for (int change = 0; change < 20 && !without; ++change) {  // one may be due at that very moment
    api_.publish(objects(1, std::to_string(change)));
    without = !api_.wait_applied().stats;
  }
  EXPECT_TRUE(without);
  api_.wait_for_report("statistics again", has_stats);
}

TEST_F(NodeTest, WhatIsAcknowledgedAtOnceIsOneReport) {
  api_.publish(objects(1));
  node_.start();
  api_.wait_applied();
  unsigned by_one = 0;
  for (int change = 0; change < 20; ++change) {  // statistics may be due meanwhile, or the machine slow
    const auto before = api_.reports();
    api_.publish(objects(1, std::to_string(change)));
    api_.wait_applied();
    if (api_.reports() == before + 1) ++by_one;
  }
  EXPECT_GT(by_one, 5U);
}

TEST_F(NodeTest, AKilledReplicaRefusesNoConnectionAndComesBack) {
  api_.publish(objects(1));
  node_.start();
  const pid_t first = pid_of("shard/edge/0");
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  // Connected while it is dead or on its way: the socket is headgate-node's, the connection waits.
  const pid_t second = ask_pid(listener_);
  EXPECT_NE(second, 0);
  EXPECT_NE(second, first);
  const auto report = api_.wait_for_report("the restart", [&](const NodeReport& seen) {
    const auto* status = status_of(seen, "shard/edge/0");
    return status != nullptr && status->restarts == 1 && status->state == ProcessState::kRunning;
  });
  ASSERT_NE(status_of(report, "shard/edge/0"), nullptr);
  EXPECT_EQ(status_of(report, "shard/edge/0")->last_exit, "signal 9");
  EXPECT_EQ(report.applied, 1u);
}

TEST_F(NodeTest, ProcessesOutliveItsDeathAndAreAdoptedWithTheirSockets) {
  api_.publish(objects(2));
  node_.start();
  const std::set<pid_t> before{pid_of("shard/edge/0"), pid_of("shard/edge/1")};
  node_.kill_hard();
  EXPECT_TRUE(before.contains(ask_pid(listener_)));
  node_.start();
  EXPECT_EQ((std::set<pid_t>{pid_of("shard/edge/0"), pid_of("shard/edge/1")}), before);
  // They know nothing of a new listener set but what they gave back: serve on, and follow changes.
  api_.publish(objects(1, "-changed"));
  api_.wait_applied();
  const pid_t kept = pid_of("shard/edge/0");
  EXPECT_TRUE(before.contains(kept));
  EXPECT_TRUE(wait_until([&] { return ask_pid(listener_) == kept; }));
  EXPECT_EQ(api_.enrolments(), 1u);
}

TEST_F(NodeTest, ServesTheLastGoodStateWithoutHeadgated) {
  api_.publish(objects(1));
  node_.start();
  api_.wait_applied();
  api_.publish(objects(2));  // a delta on top of the base
  api_.wait_applied();
  EXPECT_EQ(node_.stop_gracefully(), 0);
  EXPECT_EQ(ask_pid(listener_), 0);
  api_.hang_up();
  node_.start();
  EXPECT_TRUE(wait_until([&] { return ask_pid(listener_) != 0; }));
  api_.listen_again();
  const auto report = api_.wait_applied();
  EXPECT_EQ(report.processes.size(), 2u);
  EXPECT_EQ(api_.full_deltas(), 1u) << "it knew where it was";
}

TEST_F(NodeTest, ACrashLoopShowsInStatusAndHurtsNobodyElse) {
  auto wanted = objects(1);
  auto other = group(1);
  other.shard = "broken";
  other.sockets.clear();
  put(wanted, "node", "broken", other);
  put(wanted, "shard/broken", "settings", settings_of("broken"));
  std::ofstream(node_.directory() / "programs" / "headgate-shard", std::ios::trunc)
      << "#!/bin/sh\ncase \"$2\" in broken/*) exit 3;; esac\nexec " NODE_TEST_CHILD " \"$@\"\n";
  api_.publish(wanted);
  node_.start({"--shard-uid-base", std::to_string(::getuid())});
  const auto report = api_.wait_for_report("a crash loop", [](const NodeReport& seen) {
    const auto* status = status_of(seen, "shard/broken/0");
    return status != nullptr && status->state == ProcessState::kCrashLoop;
  });
  const auto* broken = status_of(report, "shard/broken/0");
  ASSERT_NE(broken, nullptr);
  EXPECT_EQ(broken->last_exit, "status 3");
  EXPECT_GE(broken->restarts, 4u);
  const auto* edge = status_of(report, "shard/edge/0");
  EXPECT_EQ(edge->state, ProcessState::kRunning);
  EXPECT_EQ(edge->restarts, 0u);
  EXPECT_NE(ask_pid(listener_), 0);
}

TEST_F(NodeTest, ARefusedRevisionIsReportedWithItsReasonAndTheNextOneHeals) {
  api_.publish(objects(1));
  node_.start();
  api_.wait_applied();
  api_.command({"shard/edge/0", {"c1", "refuse", "{}"}});
  EXPECT_TRUE(api_.wait_for_result("c1").ok);
  api_.publish(objects(1, "-bad"));
  const auto refused =
      api_.wait_for_report("a refusal", [](const NodeReport& seen) { return !seen.refused_reason.empty(); });
  EXPECT_EQ(refused.received, 2u);
  EXPECT_EQ(refused.applied, 1u);
  EXPECT_EQ(refused.refused_reason, "shard/edge/0: told to refuse");
  api_.command({"shard/edge/0", {"c2", "accept", "{}"}});
  EXPECT_TRUE(api_.wait_for_result("c2").ok);
  api_.publish(objects(1, "-good"));
  EXPECT_EQ(api_.wait_applied().refused_reason, "");
}

TEST_F(NodeTest, CommandsReachTheirProcessAndResultsComeBack) {
  api_.publish(objects(1));
  node_.start();
  api_.wait_applied();
  api_.command({"shard/edge/0", {"c1", "echo", "{\"x\":1}"}});
  EXPECT_EQ(api_.wait_for_result("c1").body, "{\"x\":1}");
  api_.command({"shard/none/0", {"c2", "echo", "{}"}});
  EXPECT_FALSE(api_.wait_for_result("c2").ok);
}

TEST_F(NodeTest, ARestartedReplicaIsReplacedWithoutAGap) {
  api_.publish(objects(1));
  node_.start();
  const pid_t first = pid_of("shard/edge/0");
  api_.command({"shard/edge/0", {"r", "restart", "{}"}});
  EXPECT_TRUE(api_.wait_for_result("r").ok);
  EXPECT_TRUE(wait_until([&] {
    const pid_t answered = ask_pid(listener_);
    EXPECT_NE(answered, 0);
    return answered != first && !is_alive(first);
  }));
  EXPECT_TRUE(api_.wait_for_report("a new process",
                                   [&](const NodeReport& seen) {
                                     const auto* status = status_of(seen, "shard/edge/0");
                                     return status != nullptr && status->pid != first &&
                                            status->state == ProcessState::kRunning;
                                   })
                  .applied == 1u);
}

const contract::ShardRestart* restart_of(const NodeReport& report, const std::string& shard) {
  for (const auto& restart : report.restarts)
    if (restart.shard == shard) return &restart;
  return nullptr;
}

TEST_F(NodeTest, AShardIsRestartedOneReplicaAfterTheOther) {
  api_.publish(objects(3));
  node_.start();
  std::vector<std::string> names{"shard/edge/0", "shard/edge/1", "shard/edge/2"};
  std::set<pid_t> before;
  for (const auto& name : names) before.insert(pid_of(name));
  api_.command({"shard/edge", {"r", "restart", "{}"}});
  EXPECT_TRUE(api_.wait_for_result("r").ok);
  // Whoever connects meanwhile is answered.
  std::set<pid_t> answered;
  EXPECT_TRUE(wait_until([&] {
    const pid_t pid = ask_pid(listener_);
    EXPECT_NE(pid, 0);
    answered.insert(pid);
    return std::none_of(before.begin(), before.end(), is_alive);
  }));
  const auto report = api_.wait_for_report("the restart's end", [&](const NodeReport& seen) {
    const auto* restart = restart_of(seen, "edge");
    return restart != nullptr && restart->state == contract::RestartState::kDone;
  });
  EXPECT_EQ(*restart_of(report, "edge"),
            (contract::ShardRestart{"edge", contract::RestartState::kDone, 3, 3, ""}));
  EXPECT_EQ(report.applied, 1u);
  for (const auto& name : names) EXPECT_FALSE(before.contains(pid_of(name)));
}

TEST_F(NodeTest, ARestartEndsWhereAReplicaDoesNotComeUpAndTheOldOneServesOn) {
  api_.publish(objects(2));
  node_.start();
  const pid_t first = pid_of("shard/edge/0"), second = pid_of("shard/edge/1");
  const auto program = node_.directory() / "programs" / "headgate-shard";
  std::filesystem::remove(program);  // another file: the old one still runs
  std::ofstream(program) << "#!/bin/sh\nexit 3\n";
  std::filesystem::permissions(program, std::filesystem::perms(0755));
  api_.command({"shard/edge", {"r", "restart", "{}"}});
  EXPECT_TRUE(api_.wait_for_result("r").ok);
  api_.command({"shard/edge", {"again", "restart", "{}"}});
  const auto again = api_.wait_for_result("again");
  EXPECT_FALSE(again.ok);
  EXPECT_EQ(again.body, "a restart of shard edge is under way");
  const auto report = api_.wait_for_report("the restart's end", [&](const NodeReport& seen) {
    const auto* restart = restart_of(seen, "edge");
    return restart != nullptr && restart->state == contract::RestartState::kFailed;
  });
  EXPECT_EQ(*restart_of(report, "edge"), (contract::ShardRestart{"edge", contract::RestartState::kFailed, 2,
                                                                 0, "shard/edge/0 does not come up"}));
  EXPECT_EQ(pid_of("shard/edge/0"), first);
  EXPECT_EQ(pid_of("shard/edge/1"), second);
  EXPECT_EQ(report.applied, 1u);
  // As before in every way: it follows changes, and a node that comes after this one finds it again.
  api_.publish(objects(2, "-changed"));
  api_.wait_applied();
  node_.kill_hard();
  node_.start();
  EXPECT_EQ(pid_of("shard/edge/0"), first);
}

TEST_F(NodeTest, WhatNobodyWantsAfterARestartIsStopped) {
  api_.publish(objects(2));
  node_.start();
  const pid_t kept = pid_of("shard/edge/0");
  const pid_t orphan = pid_of("shard/edge/1");
  node_.kill_hard();
  // Its state is lost, and another machine's hands have changed the configuration meanwhile.
  std::filesystem::remove(node_.directory() / "state" / "snapshot.base");
  api_.publish(objects(1));
  node_.start();
  EXPECT_TRUE(wait_until([&] { return !is_alive(orphan); }));
  EXPECT_TRUE(wait_until([&] { return !is_alive(kept) || ask_pid(listener_) == kept; }));
  api_.wait_applied();
}

TEST_F(NodeTest, APlannedStopEndsEverything) {
  api_.publish(objects(2));
  node_.start({"--drain-timeout", "1s"});
  const pid_t first = pid_of("shard/edge/0"), second = pid_of("shard/edge/1");
  EXPECT_EQ(node_.stop_gracefully(), 0);
  EXPECT_FALSE(is_alive(first));
  EXPECT_FALSE(is_alive(second));
  for (const auto& entry : std::filesystem::directory_iterator(node_.directory() / "run"))
    EXPECT_EQ(entry.path().filename(), "headgate-node.lock");
}

TEST_F(NodeTest, APlannedStopThatKeepsLeavesThemToTheNextNode) {
  api_.publish(objects(1));
  node_.start({"--keep"});
  const pid_t kept = pid_of("shard/edge/0");
  EXPECT_EQ(node_.stop_gracefully(), 0);
  EXPECT_EQ(ask_pid(listener_), kept);
  node_.start();
  EXPECT_EQ(pid_of("shard/edge/0"), kept);
}

TEST_F(NodeTest, AHungProcessThatDoesNotStopIsKilled) {
  api_.publish(objects(1));
  node_.start({"--drain-timeout", "10ms"});
  const pid_t hung = pid_of("shard/edge/0");
  api_.command({"shard/edge/0", {"h", "hang", "{}"}});
  EXPECT_TRUE(api_.wait_for_result("h").ok);
  EXPECT_EQ(node_.stop_gracefully(), 0);
  EXPECT_FALSE(is_alive(hung));
}

TEST_F(NodeTest, ASecondNodeIsToldWhoIsThere) {
  api_.publish(objects(1));
  node_.start();
  api_.wait_applied();
  const pid_t first = node_.pid();
  node_.start();
  EXPECT_EQ(node_.wait(), 1);
  EXPECT_NE(node_.log().find("another headgate-node (pid " + std::to_string(first) + ")"), std::string::npos);
  ::kill(first, SIGKILL);
  ::waitpid(first, nullptr, 0);
}

TEST_F(NodeTest, APortInUseIsReportedWithItsHolderAndTakenWhenItIsFree) {
  UniqueFd holder(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(listener_.port);
  ASSERT_EQ(::bind(holder.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(holder.get(), 1), 0);
  api_.publish(objects(1));
  node_.start();
  const auto report =
      api_.wait_for_report("a fault", [](const NodeReport& seen) { return !seen.notices.empty(); });
  EXPECT_TRUE(report.notices[0].fault);
  EXPECT_NE(report.notices[0].text.find("(pid " + std::to_string(::getpid()) + ")"), std::string::npos)
      << report.notices[0].text;
  EXPECT_LT(report.applied, 1u);
  holder.reset();
  EXPECT_TRUE(api_.wait_applied().notices.empty());
  EXPECT_NE(ask_pid(listener_), 0);
}

// Two shards, and "edge" passes requests on to "team" until the latter loses its listener's copy.
class NodeHopTest : public NodeTest {
 protected:
  std::filesystem::path hop_path() const { return node_.directory() / "run" / "hop" / "team.sock"; }
  Objects tiers(bool hop, const std::string& marker = "") const {
    auto objects = this->objects(1, marker);
    auto team = group(2);
    team.shard = "team";
    team.user_number = 4;
    team.sockets.clear();
    auto settings = settings_of("team");
    if (hop) settings.hop_peers = team.hop_peers = {{"edge", 3}};
    put(objects, "node", "team", team);
    put(objects, "shard/team", "settings", settings);
    contract::Listener copy;
    copy.uid = "l";
    if (hop) put(objects, "shard/team", "l", copy);
    return objects;
  }
  // Connects over the hop and reads which process answered; 0 where nobody listens.
  pid_t ask_over_hop() const {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = UnixAddress::of(hop_path().native());
    if (!at || ::connect(socket.get(), at->get(), at->size()) != 0) return 0;
    std::array<char, 16> text{};
    [[maybe_unused]] const auto got = ::recv(socket.get(), text.data(), text.size() - 1, MSG_WAITALL);
    return static_cast<pid_t>(std::atoi(text.data()));
  }
};

TEST_F(NodeHopTest, TheSocketIsMadeKeptAndRemoved) {
  api_.publish(tiers(false));
  node_.start();
  api_.wait_applied();
  EXPECT_EQ(ask_over_hop(), 0);
  api_.publish(tiers(true));
  api_.wait_applied();
  const std::set<pid_t> team{pid_of("shard/team/0"), pid_of("shard/team/1")};
  EXPECT_TRUE(team.contains(ask_over_hop()));
  // Both die: who connects meanwhile waits for a successor.
  for (const pid_t pid : team) ASSERT_EQ(::kill(pid, SIGKILL), 0);
  const pid_t successor = ask_over_hop();
  EXPECT_NE(successor, 0);
  EXPECT_FALSE(team.contains(successor));
  api_.publish(tiers(false));
  api_.wait_applied();
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(hop_path()); }));
}

TEST_F(NodeHopTest, ARestartedNodeGetsTheSocketBack) {
  api_.publish(tiers(true));
  node_.start();
  const std::set<pid_t> team{pid_of("shard/team/0"), pid_of("shard/team/1")};
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat(hop_path().c_str(), &before), 0);
  node_.kill_hard();
  EXPECT_TRUE(team.contains(ask_over_hop()));
  node_.start();
  api_.publish(tiers(true, "-changed"));
  api_.wait_applied();
  EXPECT_TRUE(team.contains(ask_over_hop()));
  ASSERT_EQ(::stat(hop_path().c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  api_.publish(tiers(false));
  api_.wait_applied();
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(hop_path()); }));
}

TEST_F(NodeHopTest, WhatIsTakenFromTheSecondTierWaitsForTheFirst) {
  api_.publish(tiers(true));
  node_.start();
  api_.wait_applied();
  // The first tier refuses what comes, so it goes on passing requests over the hop: only its time runs out.
  api_.command({"shard/edge/0", {"c1", "refuse", "{}"}});
  EXPECT_TRUE(api_.wait_for_result("c1").ok);
  const auto published = monotonic_now();
  api_.publish(tiers(false, "-bad"));
  const auto report = api_.wait_for_report("the end of its patience", [](const NodeReport& seen) {
    const auto* status = status_of(seen, "shard/team/0");
    return status != nullptr && status->revision == 2;
  });
  EXPECT_GE(monotonic_now() - published, limits::kSenderWaitMax);
  EXPECT_EQ(report.applied, 1u);
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(hop_path()); }));
}

TEST_F(NodeTest, ANewTokenEnrolsItAgainWhenItsCredentialIsRefused) {
  api_.publish(objects(1));
  node_.start();
  api_.wait_applied();
  api_.refuse_credentials();
  EXPECT_TRUE(wait_until([&] { return api_.enrolments() == 2; }));
  api_.publish(objects(2));
  api_.wait_applied();
}

}  // namespace
}  // namespace headgate::node
