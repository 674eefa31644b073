// SPDX-License-Identifier: Apache-2.0
// ShardFixture: a whole shard with one thread in this process, between clients and backends that the test
// plays by hand (support/socket_peer.hpp). At the end of every test it drains the shard and checks the law of
// counters.hpp.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/shard/shard_process.hpp"
#include "tests/support/socket_peer.hpp"

namespace headgate::shard {

using testing_support::FullPort;
using testing_support::ListeningPeer;
using testing_support::RefusingPort;
using testing_support::SocketPeer;
using namespace std::chrono_literals;

class ShardFixture : public testing::Test {
 protected:
  static constexpr const char* kAudience = "shard/edge";

  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does
    // The shard's socket is a ListeningPeer's: bound by the kernel's choice before anybody connects.
    ListeningPeer listening;
    port_ = listening.port();
    settings_.name = "edge";
    settings_.access_log = contract::AccessLog::kFile;
    listening_ = listening.release();
    directory_ = std::filesystem::temp_directory_path() / ("headgate-shard-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    log_path_ = directory_ / "access.log";
  }

  void TearDown() override {
    if (shard_) stop();
    std::filesystem::remove_all(directory_);
  }

  contract::Pool pool(std::vector<uint16_t> ports) {
    contract::Pool made;
    made.uid = "p1";
    made.namespace_name = "default";
    made.name = "app";
    for (const uint16_t port : ports)
      made.backends.push_back({.host = "127.0.0.1", .port = port, .weight = 1, .drain = false});
    return made;
  }

  contract::Route route() {
    contract::Route made;
    made.uid = "r1";
    made.namespace_name = "default";
    made.name = "app";
    made.listeners = {"l1"};
    made.hostnames = {"a", "app.example"};  // for any other host the shard answers by itself: 404 no_rule
    made.rules = {contract::RouteRule{.name = "all",
                                      .matches = {contract::RouteMatch{}},
                                      .forward = {{.pool = "p1", .weight = 1}},
                                      .request_timeout = request_timeout_,
                                      .backend_request_timeout = backend_request_timeout_,
                                      .filters = rule_filters_,
                                      .idle_timeout = response_idle_timeout_,
                                      .retry = retry_,
                                      .affinity = affinity_}};
    return made;
  }

  contract::Delta delta(std::vector<contract::Object> objects) {
    contract::Delta made{.base = 0, .revision = ++revision_, .upserts = {}, .removals = {}};
    for (auto& object : objects) {
      std::string id = "settings";
      if (const auto* listener = std::get_if<contract::Listener>(&object)) id = listener->uid;
      if (const auto* routed = std::get_if<contract::Route>(&object)) id = routed->uid;
      if (const auto* pooled = std::get_if<contract::Pool>(&object)) id = pooled->uid;
      if (const auto* certificate = std::get_if<contract::Certificate>(&object)) id = certificate->uid;
      if (const auto* bundle = std::get_if<contract::TrustBundle>(&object)) id = bundle->uid;
      if (const auto* policy = std::get_if<contract::Policy>(&object)) id = policy->uid;
      const auto kind = contract::kind_of(object);
      made.upserts.push_back(
          {{kAudience, kind, id}, std::make_shared<const contract::Object>(std::move(object))});
    }
    return made;
  }

  contract::Listener web_listener() const {
    contract::Listener listener;
    listener.uid = "l1";
    listener.name = "web";
    listener.address = *IpAddress::parse("127.0.0.1");
    listener.port = port_;
    listener.trusted_proxies = trusted_;
    listener.proxy_protocol = proxy_protocol_;
    listener.forwarded_header = forwarded_header_;
    return listener;
  }

  // What start() serves; a test may change settings_, trusted_ and what its rule says before.
  contract::Delta whole(const contract::Pool& backends) {
    return delta({settings_, web_listener(), route(), backends});
  }

  void start(const contract::Pool& backends) {
    auto started = ShardProcess::start({.name = "edge/0",
                                        .threads = 1,
                                        .access_log_path = log_path_,
                                        .clients_max = clients_max_,
                                        .request_buffers_bytes_max = request_buffers_bytes_max_,
                                        .memory_max_bytes = memory_max_bytes_,
                                        .hop = hop_});
    ASSERT_TRUE(started.ok());
    shard_ = std::move(*started);
    apply(whole(backends));
    const auto at = Endpoint{*IpAddress::parse("127.0.0.1"), port_};
    std::vector<UniqueFd> fds;
    fds.push_back(std::move(listening_));
    ASSERT_TRUE(shard_->set_sockets({{contract::Socket{at, at, 0}}}, std::move(fds)).ok());
  }
  void start() { start(pool({backend_.port()})); }

  // Returns once every thread serves it.
  void apply(const contract::Delta& change) {
    ASSERT_TRUE(shard_->apply(change).ok());
    await([this] { return (void)shard_->settle(), !shard_->settling(); });
  }

  void stop() {
    shard_->drain();
    await([this] { return shard_->drained(); });
    EXPECT_EQ(count("requests_total"), count("exchanges_total"));
    EXPECT_EQ(count("connections_accepted_total"), count("connections_closed_total"));
    shard_.reset();
  }

  // Sums over the labels.
  uint64_t count(std::string_view name, std::string_view label_value = {}) {
    uint64_t sum = 0;
    for (const auto& sample : shard_->stats().samples)
      if (sample.name == name && (label_value.empty() || sample.labels.begin()->second == label_value))
        sum += sample.value;
    return sum;
  }

  // Waits while it is less: what a peer has seen may be counted only after it was sent.
  testing::AssertionResult counts(uint64_t expected, std::string_view name,
                                  std::string_view label_value = {}) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(testing_support::kDeadlineMs);
    uint64_t counted = count(name, label_value);
    while (counted < expected && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      counted = count(name, label_value);
    }
    if (counted == expected) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << name << " " << label_value << " is " << counted << ", not " << expected;
  }

  template <typename Condition>
  void await(Condition condition) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(testing_support::kDeadlineMs);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  // Until every other thread of this process waits for something: one that turns on and on never does.
  void await_rest() { await(others_wait); }

  SocketPeer connect() { return SocketPeer::connect(port_); }

  // A response without its Date and the shard's other constants.
  static std::string without_line(std::string head, const std::string& name) {
    const auto begin = head.find(name + ": ");
    if (begin != std::string::npos) head.erase(begin, head.find("\r\n", begin) + 2 - begin);
    return head;
  }
  static std::string without_date(std::string head) { return without_line(std::move(head), "date"); }

  static bool others_wait() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      if (entry.path().filename() == std::to_string(::gettid())) continue;
      std::ifstream file(entry.path() / "stat");
      std::string stat;
      std::getline(file, stat);
      const auto name_end = stat.rfind(") ");
      if (name_end != std::string::npos && stat[name_end + 2] != 'S') return false;
    }
    return true;
  }

  uint16_t port_ = 0;
  contract::ShardSettings settings_;
  std::optional<contract::Millis> request_timeout_;
  std::optional<contract::Millis> backend_request_timeout_;
  std::optional<contract::Millis> response_idle_timeout_;
  std::optional<contract::Retry> retry_;
  contract::Boxed<contract::Filters> rule_filters_;
  uint64_t request_buffers_bytes_max_ = limits::kRequestBuffersBytesMax;
  std::optional<contract::CookieAffinity> affinity_;
  std::vector<Prefix> trusted_;
  bool proxy_protocol_ = false;
  bool forwarded_header_ = false;
  std::size_t clients_max_ = 1000;
  uint64_t memory_max_bytes_ = 0;
  HopAccess hop_;
  contract::Revision revision_ = 0;
  ListeningPeer backend_;
  UniqueFd listening_;
  std::filesystem::path directory_;
  std::string log_path_;
  std::unique_ptr<ShardProcess> shard_;
};

}  // namespace headgate::shard
