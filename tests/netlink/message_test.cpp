// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/message.hpp"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

namespace headgate::netlink {
namespace {

// The attributes of a request that was just built.
Attributes attributes_of(std::span<const uint8_t> bytes) {
  return Attributes(bytes.subspan(sizeof(nlmsghdr) + NLMSG_ALIGN(sizeof(ifinfomsg))));
}

TEST(Request, WhatIsPutIsFound) {
  Request request(RTM_NEWLINK, NLM_F_ACK, ifinfomsg{});
  request.put(IFLA_IFNAME, std::string_view("hg0"))
      .put(IFLA_MTU, 1500u)
      .put(IFLA_ADDRESS, *IpAddress::parse("192.0.2.1"));
  request.begin(IFLA_LINKINFO).put(IFLA_INFO_KIND, std::string_view("veth")).end();
  const auto bytes = request.finish(7);
  nlmsghdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header.nlmsg_len, bytes.size());
  EXPECT_EQ(header.nlmsg_seq, 7u);
  const auto attributes = attributes_of(bytes);
  EXPECT_EQ(attributes.text(IFLA_IFNAME), "hg0");
  EXPECT_EQ(attributes.u32(IFLA_MTU), 1500u);
  EXPECT_EQ(attributes.address(IFLA_ADDRESS), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(Attributes(*attributes.find(IFLA_LINKINFO)).text(IFLA_INFO_KIND), "veth");
  EXPECT_FALSE(attributes.find(IFLA_IFALIAS));
}

TEST(Attributes, LengthsThatDoNotAddUpEndTheReading) {
  Request request(RTM_NEWLINK, 0, ifinfomsg{});
  request.put(IFLA_IFNAME, std::string_view("hg0")).put(IFLA_MTU, 1500u);
  const auto whole = request.finish(1);
  const auto begin = sizeof(nlmsghdr) + NLMSG_ALIGN(sizeof(ifinfomsg));
  for (std::size_t size = begin; size < whole.size(); ++size)
    EXPECT_FALSE(Attributes(whole.subspan(begin, size - begin)).u32(IFLA_MTU)) << size;
  for (const uint8_t length : {0, 1, 3, 200}) {
    std::vector<uint8_t> bytes(whole.begin() + begin, whole.end());
    bytes[0] = length;
    EXPECT_FALSE(Attributes(bytes).text(IFLA_IFNAME)) << int{length};
  }
}

TEST(Attributes, AValueOfAnotherSizeIsNone) {
  Request request(RTM_NEWLINK, 0, ifinfomsg{});
  request.put(IFLA_MTU, std::string_view("x"));
  const auto attributes = attributes_of(request.finish(1));
  EXPECT_FALSE(attributes.u32(IFLA_MTU));
  EXPECT_FALSE(attributes.address(IFLA_MTU));
  EXPECT_FALSE(attributes.mac(IFLA_MTU));
}

TEST(Message, ABodyThatIsTooShortIsNone) {
  const std::vector<uint8_t> bytes(sizeof(ifinfomsg) - 1);
  EXPECT_FALSE((Message{RTM_NEWLINK, bytes}.body<ifinfomsg>()));
}

}  // namespace
}  // namespace headgate::netlink
