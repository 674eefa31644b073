// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/child_supervisor.hpp"

#include <csignal>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/node/control_socket.hpp"
#include "tests/node/node_process.hpp"
#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

constexpr uid_t kUser = 61190;

class ChildSupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    // Its own user must reach the directory of its log.
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    auto control = listen_control_socket(directory_ / "p.sock");
    ASSERT_TRUE(control.ok());
    control_ = std::move(*control);
  }
  // Runs a shell with the script; its exit and what it wrote to the file "out" of its log directory.
  std::string run(const std::string& script, ProcessSpec spec) {
    spec.process = "shard/test/0";
    spec.program = "/bin/sh";
    spec.log_directory = directory_ / "log";
    spec.arguments = {"-c", "exec >" + spec.log_directory.string() + "/out 2>&1; " + script};
    auto started = supervisor_.start(spec, control_);
    EXPECT_TRUE(started.ok()) << started.error().message;
    if (!started.ok()) return {};
    pollfd ended{started->pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 20'000), 1);
    exit_ = supervisor_.finish(spec, started->pidfd);
    std::ostringstream text;
    text << std::ifstream(directory_ / "log" / "out").rdbuf();
    return text.str();
  }
  static ProcessSpec as_shard() {
    ProcessSpec spec;
    spec.user = ProcessUser{kUser, kUser};
    spec.fds_max = 77;
    return spec;
  }
  TemporaryDirectory directory_;
  UniqueFd control_;
  std::string exit_;
  ChildSupervisor supervisor_{MemoryCgroups::find("headgate-test-" + std::to_string(::getpid()))};
};

TEST_F(ChildSupervisorTest, TellsHowAProcessEnded) {
  run("exit 7", {});
  EXPECT_EQ(exit_, "status 7");
  run("kill -TERM $$", {});
  EXPECT_EQ(exit_, "signal 15");
}

TEST_F(ChildSupervisorTest, AShardHasAUserOfItsOwnAndNoPrivileges) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: users";
  const auto text = run(
      "id -u; id -g; id -G; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; ulimit -n; ulimit -c", as_shard());
  EXPECT_EQ(text,
            "61190\n61190\n61190\n"
            "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
            "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n77\n0\n");
  struct stat log {};
  ASSERT_EQ(::stat((directory_ / "log").c_str(), &log), 0);
  EXPECT_EQ(log.st_uid, kUser);
  EXPECT_EQ(log.st_mode & 0777, 0750u);
}

TEST_F(ChildSupervisorTest, OnlyItsInputOutputAndControlSocketAreOpen) {
  const UniqueFd leaked(::dup(control_.get()));  // without close-on-exec, as a library's might be
  const auto text =
      run("cd /proc/self/fd && for fd in *; do readlink $fd | grep -q '^socket' && echo $fd; done", {});
  EXPECT_EQ(text, "3\n");
}

TEST_F(ChildSupervisorTest, ItLeadsASessionOfItsOwnAndHasNoSecretsOfOurs) {
  ::setenv("SECRET_OF_THE_NODE", "x", 1);
  const auto text = run("cut -d' ' -f6 /proc/$$/stat | grep -qx $$ && echo leader; env | grep -c SECRET", {});
  ::unsetenv("SECRET_OF_THE_NODE");
  EXPECT_EQ(text, "leader\n0\n");
}

TEST_F(ChildSupervisorTest, MemoryIsLimited) {
  auto spec = as_shard();
  spec.memory_max_bytes = 64u << 20;
  run("exec awk 'BEGIN { s = \"x\"; while (length(s) < 300000000) s = s s; exit 0 }'", spec);
  EXPECT_NE(exit_, "status 0");
}

TEST_F(ChildSupervisorTest, WhatCannotBeStartedSaysWhichStepFailed) {
  ProcessSpec spec;
  spec.process = "shard/test/0";
  spec.program = directory_ / "missing";
  const auto started = supervisor_.start(spec, control_);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("executing the program: No such file"), std::string::npos)
      << started.error().message;
}

}  // namespace
}  // namespace headgate::node
