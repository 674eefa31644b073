// SPDX-License-Identifier: Apache-2.0
// HopFixture: the derived hop: two shards in this process, "edge" with the listener and "team" with the
// route, joined by a Unix socket as headgate-node makes it; clients and backends are played byte by byte.
// Thread: the test's.
#pragma once

#include <fcntl.h>

#include "dataplane/core/unix_address.hpp"
#include "tests/shard/log_lines.hpp"
#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {

class HopFixture : public TlsFixture {
 protected:
  void SetUp() override {
    ShardFixture::SetUp();
    hop_ = {.directory = directory_ / "hop", .shard_uid_base = {}, .own_uid = ::geteuid()};
    std::filesystem::create_directories(hop_.directory);
    hop_socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = UnixAddress::of(hop_.path_to("team"));
    ASSERT_TRUE(at);
    ASSERT_EQ(::bind(hop_socket_.get(), at->get(), at->size()), 0);
    ASSERT_EQ(::listen(hop_socket_.get(), 128), 0);
  }
  void TearDown() override {
    if (shard_) stop();  // first: it has connections to the other
    stop_team();
    ShardFixture::TearDown();
  }
  void stop_team() {
    if (!team_) return;
    std::swap(team_, shard_);
    stop();
    std::swap(team_, shard_);
  }

  contract::Route passed_on() {
    auto made = route();
    made.rules[0].forward = {{.pool = "hop/team", .weight = 1, .filters = {}}};
    return made;
  }
  static contract::Pool to_team() {
    contract::Pool made;
    made.uid = "hop/team";
    made.hop_to = "team";
    return made;
  }
  contract::Delta first_tier() { return delta({settings_, web_listener(), passed_on(), to_team()}); }
  contract::Delta second_tier(bool with_route = true) {
    auto settings = settings_;
    settings.name = "team";
    settings.hop_peers = {{"edge", 1}};
    auto copy = web_listener();
    copy.protocol = protocol_;
    copy.hop_from = "edge";
    if (!with_route) return delta({settings});
    return delta({settings, copy, route(), pool({backend_.port()})});
  }
  void apply_to_team(const contract::Delta& change) {
    ASSERT_TRUE(team_->apply(change).ok());
    await([this] { return (void)team_->settle(), !team_->settling(); });
  }
  void start_team(HopAccess access, bool with_route = true) {
    auto started = ShardProcess::start({.name = "team/0",
                                        .threads = 2,
                                        .access_log_path = directory_ / "team.log",
                                        .clients_max = 1000,
                                        .hop = std::move(access)});
    ASSERT_TRUE(started.ok());
    team_ = std::move(*started);
    apply_to_team(second_tier(with_route));
    std::vector<UniqueFd> fds;
    fds.emplace_back(::fcntl(hop_socket_.get(), F_DUPFD_CLOEXEC, 0));
    const contract::Socket socket{.listener = {}, .bound = {}, .thread = 0, .hop = true};
    ASSERT_TRUE(team_->set_sockets({{socket}}, std::move(fds)).ok());
  }
  void start_tiers(bool with_route = true) {
    start_team(hop_, with_route);
    start(pool({}));
    apply(first_tier());
  }

  SocketPeer connect_to_hop() {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = UnixAddress::of(hop_.path_to("team"));
    EXPECT_EQ(::connect(socket.get(), at->get(), at->size()), 0);
    return SocketPeer(std::move(socket));
  }
  static std::string context(const std::string& listener = "l1") {
    return "headgate-context: v1 listener=" + listener +
           " client=203.0.113.7:4711 for=203.0.113.7 proto=https host=a port=443 id=forged\r\n";
  }
  uint64_t count_of_team(std::string_view name, std::string_view label_value = {}) {
    std::swap(team_, shard_);
    const auto counted = count(name, label_value);
    std::swap(team_, shard_);
    return counted;
  }
  static std::string member(const std::string& line, const std::string& name) {
    const auto begin = line.find("\"" + name + "\":\"") + name.size() + 4;
    return line.substr(begin, line.find('"', begin) - begin);
  }

  contract::Protocol protocol_ = contract::Protocol::kHttp;  // of the listener, as the second tier knows it
  UniqueFd hop_socket_;
  std::unique_ptr<ShardProcess> team_;
};

}  // namespace headgate::shard
