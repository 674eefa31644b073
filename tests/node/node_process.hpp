// SPDX-License-Identifier: Apache-2.0
// NodeProcess: the real headgate-node as a test runs it, in directories of its own, with node-test-child in
// the place of headgate-shard and headgate-l4. Whatever it started is ended and removed with it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "dataplane/contract/node_api.hpp"

namespace headgate::node {

class NodeProcess {
 public:
  explicit NodeProcess(std::string api_url);
  ~NodeProcess();

  void start(const std::vector<std::string>& more_arguments = {});
  void kill_hard();       // kill -9, and waits
  int stop_gracefully();  // SIGTERM; its exit status
  int wait();             // its exit status; of a signal: -number
  pid_t pid() const { return pid_; }
  const std::filesystem::path& directory() const { return directory_; }
  std::string log() const;  // all that it and its processes wrote to stderr

 private:
  std::string api_url_;
  std::filesystem::path directory_;
  pid_t pid_ = 0;
};

// A port that was free a moment ago, for a listener on loopback.
uint16_t free_port();
// Connects and reads the line with which a node-test-child tells its pid; 0 where the connection fails.
pid_t ask_pid(const Endpoint& endpoint);
bool is_alive(pid_t pid);
// Until the condition holds; false after a long while.
bool wait_until(const std::function<bool()>& condition);

}  // namespace headgate::node
