// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/socket_table.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/node/listening_socket.hpp"
#include "tests/node/node_process.hpp"
#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

contract::Socket socket_at(uint16_t port, uint32_t thread = 0) {
  const Endpoint endpoint{*IpAddress::parse("127.0.0.1"), port};
  return {endpoint, endpoint, thread, false};
}

TEST(SocketTable, OpensKeepsAndClosesAsWanted) {
  const TemporaryDirectory directory;
  SocketTable table{directory / "hop"};
  const auto port = free_port();
  const std::vector both{socket_at(port, 0), socket_at(port, 1)};
  EXPECT_TRUE(table.want("r", both).changed);
  const auto handover = table.of("r");
  ASSERT_EQ(handover.set.sockets, both);
  ASSERT_EQ(handover.fds.size(), 2u);
  EXPECT_FALSE(table.want("r", both).changed) << "the same sockets, not new ones";
  EXPECT_EQ(table.of("r").fds, handover.fds);
  EXPECT_TRUE(table.want("r", {both[0]}).changed);
  EXPECT_EQ(table.of("r").fds, std::vector{handover.fds[0]});
  table.forget("r");
  EXPECT_TRUE(table.of("r").fds.empty());
}

TEST(SocketTable, WhatCannotBeOpenedDoesNotKeepTheOthersClosed) {
  const auto taken = free_port(), free = free_port();
  UniqueFd holder(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(taken);
  ASSERT_EQ(::bind(holder.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(holder.get(), 1), 0);
  const TemporaryDirectory directory;
  SocketTable table{directory / "hop"};
  auto wanted = std::vector{socket_at(taken), socket_at(free)};
  if (taken > free) std::swap(wanted[0], wanted[1]);
  const auto outcome = table.want("r", wanted);
  ASSERT_FALSE(outcome.opened.ok());
  EXPECT_EQ(outcome.opened.error().code, ErrorCode::kConflict);
  EXPECT_NE(outcome.opened.error().message.find("(pid " + std::to_string(::getpid()) + ") has it"),
            std::string::npos)
      << outcome.opened.error().message;
  EXPECT_EQ(table.of("r").fds.size(), 1u);
}

TEST(SocketTable, AdoptsOnlyWhatListens) {
  auto listening = open_listening_socket(socket_at(free_port()).bound);
  ASSERT_TRUE(listening.ok());
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(*listening));
  fds.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const TemporaryDirectory directory;
  SocketTable table{directory / "hop"};
  table.adopt("r", {{socket_at(1), socket_at(2)}}, std::move(fds));
  EXPECT_EQ(table.of("r").set.sockets, std::vector{socket_at(1)});
}

const contract::Socket kHop{.listener = {}, .bound = {}, .thread = 0, .hop = true};

ino_t inode_of(int fd) {
  struct stat status {};
  ::fstat(fd, &status);
  return status.st_ino;
}

TEST(SocketTable, TheReplicasOfAShardShareOneHopSocket) {
  const TemporaryDirectory directory;
  SocketTable table{directory / "hop"};
  for (const char* process : {"shard/team/0", "shard/team/1", "shard/edge/0"})
    EXPECT_TRUE(table.want(process, {kHop}).changed);
  const auto first = table.of("shard/team/0"), second = table.of("shard/team/1");
  ASSERT_EQ(first.set.sockets, std::vector{kHop});
  EXPECT_EQ(inode_of(first.fds[0]), inode_of(second.fds[0]));
  EXPECT_NE(inode_of(first.fds[0]), inode_of(table.of("shard/edge/0").fds[0]));
  EXPECT_FALSE(table.want("shard/team/0", {kHop}).changed);
  table.forget("shard/team/0");
  table.drop_unused_hops();
  EXPECT_TRUE(std::filesystem::exists(directory / "hop/team.sock")) << "another replica has it";
  EXPECT_TRUE(table.want("shard/team/1", {}).changed);
  table.drop_unused_hops();
  EXPECT_FALSE(std::filesystem::exists(directory / "hop/team.sock"));
  table.forget("shard/edge/0");
  table.drop_unused_hops();
  EXPECT_FALSE(std::filesystem::exists(directory / "hop"));
}

TEST(SocketTable, AHopSocketComesBackFromItsReplicas) {
  const TemporaryDirectory directory;
  SocketTable before{directory / "hop"};
  before.want("shard/team/0", {kHop});
  before.want("shard/team/1", {kHop});
  SocketTable after{directory / "hop"};
  after.prepare_hops({"team"});
  for (const char* process : {"shard/team/0", "shard/team/1"}) {
    std::vector<UniqueFd> fds;
    fds.emplace_back(::dup(before.of(process).fds[0]));
    after.adopt(process, {{kHop}}, std::move(fds));
    EXPECT_FALSE(after.want(process, {kHop}).changed);
    EXPECT_EQ(inode_of(after.of(process).fds[0]), inode_of(before.of(process).fds[0]));
  }
}

TEST(SocketTable, AHopSocketOfAnotherPlaceIsNotTaken) {
  const TemporaryDirectory directory;
  SocketTable elsewhere{directory / "elsewhere"};
  elsewhere.want("shard/team/0", {kHop});
  std::vector<UniqueFd> fds;
  fds.emplace_back(::dup(elsewhere.of("shard/team/0").fds[0]));
  SocketTable table{directory / "hop"};
  table.adopt("shard/team/0", {{kHop}}, std::move(fds));
  EXPECT_TRUE(table.of("shard/team/0").fds.empty());
  EXPECT_TRUE(table.want("shard/team/0", {kHop}).changed);
  EXPECT_TRUE(std::filesystem::exists(directory / "hop/team.sock"));
}

TEST(SocketTable, HopsAreReadyBeforeAnyProcessHasThem) {
  const TemporaryDirectory directory;
  SocketTable table{directory / "hop"};
  table.prepare_hops({"team"});
  struct stat hops {
  }, before{}, after{};
  ASSERT_EQ(::stat((directory / "hop").c_str(), &hops), 0);
  EXPECT_EQ(hops.st_mode & 0777, 0711u);
  ASSERT_EQ(::stat((directory / "hop/team.sock").c_str(), &before), 0);
  EXPECT_EQ(before.st_mode & 0777, 0666u) << "the replicas look at who comes";
  table.want("shard/team/0", {kHop});
  ASSERT_EQ(::stat((directory / "hop/team.sock").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "the same socket, not another in its place";
}

TEST(ListeningSocket, AnAddressThatIsNotThereYetIsFine) {
  for (const char* address : {"192.0.2.77", "2001:db8::77"})
    EXPECT_TRUE(open_listening_socket({*IpAddress::parse(address), free_port()}).ok()) << address;
}

}  // namespace
}  // namespace headgate::node
