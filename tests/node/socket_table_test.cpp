// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/socket_table.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/node/listening_socket.hpp"
#include "tests/node/node_process.hpp"

namespace headgate::node {
namespace {

contract::Socket socket_at(uint16_t port, uint32_t thread = 0) {
  const Endpoint endpoint{*IpAddress::parse("127.0.0.1"), port};
  return {endpoint, endpoint, thread};
}

TEST(SocketTable, OpensKeepsAndClosesAsWanted) {
  SocketTable table;
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
  SocketTable table;
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
  SocketTable table;
  table.adopt("r", {{socket_at(1), socket_at(2)}}, std::move(fds));
  EXPECT_EQ(table.of("r").set.sockets, std::vector{socket_at(1)});
}

TEST(ListeningSocket, AnAddressThatIsNotThereYetIsFine) {
  for (const char* address : {"192.0.2.77", "2001:db8::77"})
    EXPECT_TRUE(open_listening_socket({*IpAddress::parse(address), free_port()}).ok()) << address;
}

}  // namespace
}  // namespace headgate::node
