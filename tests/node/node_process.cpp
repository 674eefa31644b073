// SPDX-License-Identifier: Apache-2.0
#include "tests/node/node_process.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;
constexpr auto kPollEvery = 5ms;

}  // namespace

NodeProcess::NodeProcess(std::string api_url) : api_url_(std::move(api_url)) {
  std::string name = (std::filesystem::temp_directory_path() / "headgate-node-test-XXXXXX").string();
  directory_ = ::mkdtemp(name.data());
  // The replicas have users of their own, and must reach their program.
  std::filesystem::permissions(directory_, std::filesystem::perms(0755));
  std::filesystem::create_directory(directory_ / "programs");
  for (const char* program : {"headgate-shard", "headgate-l4"})
    std::filesystem::copy_file(NODE_TEST_CHILD, directory_ / "programs" / program);
  std::ofstream(directory_ / "token") << "one-time\n";
}

NodeProcess::~NodeProcess() {
  if (pid_ != 0) kill_hard();
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "run", ignored)) {
    pid_t pid = 0;
    if (entry.path().extension() == ".pid" && std::ifstream(entry.path()) >> pid) ::kill(pid, SIGKILL);
  }
  // Where a memory controller is: the cgroups that a killed headgate-node could not remove.
  struct stat run {};
  if (::stat((directory_ / "run").c_str(), &run) == 0) {
    for (const char* root : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
      const auto cgroup = std::filesystem::path(root) / fmt::format("headgate-n1-{}", run.st_ino);
      for (const auto& entry : std::filesystem::directory_iterator(cgroup, ignored))
        wait_until([&] { return ::rmdir(entry.path().c_str()) == 0 || errno != EBUSY; });
      ::rmdir(cgroup.c_str());
    }
  }
  if (testing::Test::HasFailure()) std::cerr << "--- log of headgate-node\n" << log();
  std::filesystem::remove_all(directory_, ignored);
}

void NodeProcess::start(const std::vector<std::string>& more_arguments) {
  std::vector<std::string> arguments{HEADGATE_NODE,
                                     "--api",
                                     api_url_,
                                     "--name",
                                     "n1",
                                     "--enrolment-token-file",
                                     directory_ / "token",
                                     "--state-dir",
                                     directory_ / "state",
                                     "--run-dir",
                                     directory_ / "run",
                                     "--program-dir",
                                     directory_ / "programs",
                                     "--log-dir",
                                     directory_ / "log"};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const auto log = directory_ / "stderr";
  pid_ = ::fork();
  ASSERT_GE(pid_, 0);
  if (pid_ != 0) return;
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  ::dup2(fd, STDERR_FILENO);
  ::execv(pointers[0], pointers.data());
  ::_exit(127);
}

void NodeProcess::kill_hard() {
  ::kill(pid_, SIGKILL);
  EXPECT_EQ(wait(), -SIGKILL);
}

int NodeProcess::stop_gracefully() {
  ::kill(pid_, SIGTERM);
  return wait();
}

int NodeProcess::wait() {
  int status = 0;
  const bool ended = wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
  EXPECT_TRUE(ended) << "headgate-node did not end";
  pid_ = 0;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::string NodeProcess::log() const {
  std::ostringstream text;
  text << std::ifstream(directory_ / "stderr").rdbuf();
  return text.str();
}

// Below those that the kernel gives to connections and to who asks for any (32768 and up): of these another
// test may get the same one before it is listened on. Processes that run side by side begin in different
// places.
uint16_t free_port() {
  constexpr int kFirst = 20'000;
  constexpr int kCount = 12'000;
  constexpr int kPerProcess = 16;
  static int tried = 0;
  for (int attempt = 0; attempt < kCount; ++attempt) {
    const auto port = static_cast<uint16_t>(kFirst + (::getpid() * kPerProcess + tried++) % kCount);
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return port;
  }
  HG_ASSERT(false);
  return 0;
}

pid_t ask_pid(const Endpoint& endpoint) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(endpoint.address.v4_host_order());
  address.sin_port = htons(endpoint.port);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 0;
  pollfd ready{fd.get(), POLLIN, 0};
  if (::poll(&ready, 1, std::chrono::milliseconds(kPatience).count()) != 1) return 0;
  std::array<char, 32> text{};
  if (::recv(fd.get(), text.data(), text.size() - 1, 0) <= 0) return 0;
  return static_cast<pid_t>(std::strtol(text.data(), nullptr, 10));
}

bool is_alive(pid_t pid) {
  std::string line;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
  const auto name_end = line.rfind(')');
  return name_end != std::string::npos && line.substr(name_end + 2, 1) != "Z";
}

bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPollEvery);  // between looks at another process's doing: nothing to wait on
  }
  return true;
}

}  // namespace headgate::node
