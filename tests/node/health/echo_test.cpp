// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/echo.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/core/checksum.hpp"

namespace headgate::node {
namespace {

using Message = std::vector<std::byte>;

Echo echo_of(bool is_v6) {
  Echo echo{.is_v6 = is_v6, .id = 0x1234, .sequence = 0x5678, .payload = {}};
  for (std::size_t i = 0; i < echo.payload.size(); ++i) echo.payload[i] = std::byte(0xa0 + i);
  return echo;
}

Message request_bytes(const Echo& echo) {
  const auto request = echo_request(echo);
  return {request.begin(), request.end()};
}

Message reply_bytes(const Echo& echo) {
  auto reply = request_bytes(echo);
  reply[0] = std::byte(echo.is_v6 ? 129 : 0);
  return reply;
}

TEST(Echo, ARequestIsAsTheRfcsSay) {
  const auto v4 = request_bytes(echo_of(false));
  const std::array expected{std::byte{8},    std::byte{0},    v4[2],           v4[3],
                            std::byte{0x12}, std::byte{0x34}, std::byte{0x56}, std::byte{0x78}};
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), v4.begin()));
  EXPECT_EQ(v4.back(), std::byte{0xaf});
  EXPECT_EQ(finish_checksum(sum_bytes(v4)), Be16(0)) << "the checksum over all, itself included";
  EXPECT_EQ(request_bytes(echo_of(true))[0], std::byte{128});
}

TEST(Echo, AReplyIsTheRequestButForItsType) {
  for (const bool is_v6 : {false, true}) {
    const auto echo = echo_of(is_v6);
    EXPECT_TRUE(is_reply_to(echo, reply_bytes(echo)));
    EXPECT_FALSE(is_reply_to(echo, request_bytes(echo)));
    EXPECT_FALSE(is_reply_to(echo_of(!is_v6), reply_bytes(echo)));
    for (std::size_t i = 0; i < reply_bytes(echo).size(); ++i) {
      if (i == 2 || i == 3) continue;  // the checksum
      auto other = reply_bytes(echo);
      other[i] ^= std::byte{1};
      EXPECT_FALSE(is_reply_to(echo, other)) << "byte " << i;
    }
  }
}

TEST(Echo, AReplyIsNeitherLongerNorShorter) {
  const auto echo = echo_of(false);
  auto reply = reply_bytes(echo);
  reply.push_back(std::byte{0});
  EXPECT_FALSE(is_reply_to(echo, reply));
  for (reply.pop_back(); !reply.empty();) {
    reply.pop_back();
    EXPECT_FALSE(is_reply_to(echo, reply)) << reply.size();
  }
}

TEST(Echo, AnErrorQuotesTheHeaderAtLeast) {
  for (const bool is_v6 : {false, true}) {
    const auto echo = echo_of(is_v6);
    auto quoted = request_bytes(echo);
    EXPECT_TRUE(is_request_of(echo, quoted));
    quoted.resize(sizeof(IcmpHeader));
    EXPECT_TRUE(is_request_of(echo, quoted));
    for (const std::size_t i : {0u, 1u, 4u, 7u}) {
      auto other = quoted;
      other[i] ^= std::byte{1};
      EXPECT_FALSE(is_request_of(echo, other)) << "byte " << i;
    }
    quoted.pop_back();
    EXPECT_FALSE(is_request_of(echo, quoted));
    EXPECT_FALSE(is_request_of(echo, reply_bytes(echo)));
  }
}

TEST(Echo, WhatAnIpv4PacketCarriesBeginsBehindItsOptions) {
  Message packet(32);
  packet[0] = std::byte{0x45};
  EXPECT_EQ(past_ipv4_header(packet).data(), packet.data() + 20);
  packet[0] = std::byte{0x48};
  EXPECT_TRUE(past_ipv4_header(packet).empty());
  EXPECT_EQ(past_ipv4_header(packet).data(), packet.data() + 32);
  for (const unsigned broken : {0x44u, 0x49u, 0x40u}) {
    packet[0] = std::byte(broken);
    EXPECT_EQ(past_ipv4_header(packet).data(), nullptr) << broken;
  }
  packet.resize(19);
  packet[0] = std::byte{0x45};
  EXPECT_EQ(past_ipv4_header(packet).data(), nullptr);
}

}  // namespace
}  // namespace headgate::node
