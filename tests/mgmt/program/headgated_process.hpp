// SPDX-License-Identifier: Apache-2.0
// HeadgatedProcess: the real program as a child, with what it writes to stderr. Ends it when it goes. Thread:
// the test's.
#pragma once

#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::test {

class HeadgatedProcess {
 public:
  HeadgatedProcess(std::string program, std::vector<std::string> arguments) {
    int ends[2] = {-1, -1};
    HG_ASSERT(::pipe2(ends, O_CLOEXEC) == 0);
    output_ = UniqueFd(ends[0]);
    const UniqueFd write_end(ends[1]);
    arguments.insert(arguments.begin(), std::move(program));
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    HG_ASSERT(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(write_end.get(), STDOUT_FILENO);
      ::dup2(write_end.get(), STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~HeadgatedProcess() {
    if (pid_ > 0) wait_after(SIGKILL);
  }
  HeadgatedProcess(const HeadgatedProcess&) = delete;
  HeadgatedProcess& operator=(const HeadgatedProcess&) = delete;

  // Where it listens; nothing where it ended instead.
  std::optional<Endpoint> wait_until_listening() {
    constexpr std::string_view kMark = "listening on http://";
    while (text_.find(kMark) == std::string::npos || text_.find(',', text_.find(kMark)) == std::string::npos)
      if (!read_more()) return std::nullopt;
    const auto begin = text_.find(kMark) + kMark.size();
    return Endpoint::parse(text_.substr(begin, text_.find(',', begin) - begin));
  }
  // Its exit status, or minus the signal that ended it.
  int wait_after(int signal_number) {
    ::kill(pid_, signal_number);
    return wait();
  }
  int wait() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  const std::string& text() const { return text_; }

 private:
  bool read_more() {
    std::array<char, 4096> bytes{};
    const auto got = ::read(output_.get(), bytes.data(), bytes.size());
    if (got > 0) text_.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  pid_t pid_ = -1;
  UniqueFd output_;
  std::string text_;
};

}  // namespace headgate::test
