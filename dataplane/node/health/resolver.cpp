// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/resolver.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/crossing/mailbox.hpp"

namespace headgate::node {
namespace {

void ring(const UniqueFd& bell) {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(bell.get(), &one, sizeof one);
}

void hear(const UniqueFd& bell) {
  uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(bell.get(), &count, sizeof count);
}

IpAddress address_of(const addrinfo& found) {
  if (found.ai_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, found.ai_addr, sizeof v4);
    return IpAddress::v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, found.ai_addr, sizeof v6);
  std::array<uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return IpAddress::v6(bytes);
}

}  // namespace

// Shared by the resolver and one thread; lives as long as the later of both.
struct Resolver::Worker {
  crossing::Mailbox<std::string> questions{limits::kLookupsQueuedMax};
  crossing::Mailbox<Resolved> answers{limits::kLookupsQueuedMax};
  UniqueFd asked{::eventfd(0, EFD_CLOEXEC)};                    // the thread waits on it
  UniqueFd answered{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // the loop does
  std::atomic<bool> ended{false};                               // loop: writes, thread: reads

  void run() {
    while (!ended.load(std::memory_order_acquire)) {
      hear(asked);
      while (auto name = questions.take()) {
        // As many answers as questions fit, and the loop takes them all each time: there is room but where
        // the loop stands still, and then the name is asked for again later.
        if (ended.load(std::memory_order_acquire)) return;
        if (answers.post(resolve_name(*name))) ring(answered);
      }
    }
  }
};

Resolver::Resolver(EventLoop& loop, std::function<void(const Resolved&)> on_resolved)
    : loop_(loop), on_resolved_(std::move(on_resolved)) {
  for (unsigned i = 0; i < limits::kLookupThreads; ++i) {
    auto worker = workers_.emplace_back(std::make_shared<Worker>());
    HG_ASSERT(worker->asked && worker->answered);
    watches_.push_back(loop_.watch(worker->answered.get(), EPOLLIN, [this, worker](uint32_t) {
      hear(worker->answered);
      on_answers();
    }));
    std::thread([worker] { worker->run(); }).detach();
  }
}

Resolver::~Resolver() {
  for (const auto& worker : workers_) {
    worker->ended.store(true, std::memory_order_release);
    ring(worker->asked);
  }
}

void Resolver::want(const std::string& name) {
  if (names_.contains(name)) return;
  names_[name];
  ask(name);
}

void Resolver::forget(const std::string& name) { names_.erase(name); }

void Resolver::ask(const std::string& name) {
  // A name always goes to the same thread: one that never answers delays only those beside it.
  Worker& worker = *workers_[std::hash<std::string>{}(name) % workers_.size()];
  if (worker.questions.post(std::string(name))) {
    ring(worker.asked);
    return;
  }
  names_[name] = loop_.after(limits::kLookupRetry, [this, name] { ask(name); });
}

void Resolver::on_answers() {
  for (const auto& worker : workers_) {
    while (const auto answer = worker->answers.take()) {
      const auto wanted = names_.find(answer->name);
      if (wanted == names_.end()) continue;  // forgotten meanwhile
      const Duration again = answer->addresses.empty() ? limits::kLookupRetry : limits::kLookupInterval;
      wanted->second = loop_.after(again, [this, name = answer->name] { ask(name); });
      on_resolved_(*answer);
    }
  }
}

Resolved resolve_name(const std::string& name) {
  Resolved resolved{name, {}, {}};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(name.c_str(), nullptr, &hints, &found); error != 0) {
    resolved.failure = ::gai_strerror(error);
    return resolved;
  }
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
    if (one->ai_family == AF_INET || one->ai_family == AF_INET6)
      resolved.addresses.push_back(address_of(*one));
  ::freeaddrinfo(found);
  auto& addresses = resolved.addresses;
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.size() > limits::kAddressesPerNameMax) addresses.resize(limits::kAddressesPerNameMax);
  if (addresses.empty()) resolved.failure = "the name has no address";
  return resolved;
}

}  // namespace headgate::node
