// SPDX-License-Identifier: Apache-2.0
// Resolver: keeps the addresses of DNS names up to date, by the system's resolver (getaddrinfo: files, DNS
// and whatever nsswitch.conf says) in threads of its own, because it blocks. Threads: the node's loop calls
// it and is called back; the lookup threads share nothing with it but a pair of mailboxes each. The loop
// outlives it; a thread that hangs in a lookup does not hold up its destructor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/node/event_loop.hpp"

namespace headgate::node {

struct Resolved {
  std::string name;
  std::vector<IpAddress> addresses;  // sorted, without duplicates
  std::string failure;               // why there are none
};

class Resolver {
 public:
  // Called when a name is resolved anew, and when it cannot be: whoever asked keeps the last good answer.
  Resolver(EventLoop& loop, std::function<void(const Resolved&)> on_resolved);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void want(const std::string& name);  // from now on, again and again; once more is no more
  void forget(const std::string& name);

 private:
  struct Worker;
  void ask(const std::string& name);
  void on_answers();

  EventLoop& loop_;
  std::function<void(const Resolved&)> on_resolved_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::map<std::string, EventLoop::Timer> names_;  // the timer: of the next lookup
  std::vector<EventLoop::Watch> watches_;
};

// One lookup, blocking.
Resolved resolve_name(const std::string& name);

}  // namespace headgate::node
