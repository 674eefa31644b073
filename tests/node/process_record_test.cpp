// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/process_record.hpp"

#include <csignal>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

TEST(ProcessRecord, FindsTheVeryProcess) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(write_process_record(directory / "p", ::getpid()).ok());
  const auto found = find_recorded_process(directory / "p");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, ::getpid());
  EXPECT_TRUE(found->pidfd);
}

TEST(ProcessRecord, AnotherProcessOfTheSameNumberIsNotTakenForIt) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "p") << ::getpid() << " 12345\n";
  EXPECT_FALSE(find_recorded_process(directory / "p"));
}

TEST(ProcessRecord, AnEndedProcessAndRubbishAreNone) {
  const TemporaryDirectory directory;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_TRUE(write_process_record(directory / "ended", child).ok());
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(find_recorded_process(directory / "ended"));
  EXPECT_FALSE(find_recorded_process(directory / "missing"));
  for (const char* text : {"", "x y", "1 1", "0 0", "-5 3", "99999999999999 1"}) {
    std::ofstream(directory / "rubbish") << text;
    EXPECT_FALSE(find_recorded_process(directory / "rubbish")) << text;
  }
}

}  // namespace
}  // namespace headgate::node
