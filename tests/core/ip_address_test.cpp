// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/ip_address.hpp"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(IpAddress, CanonicalTextSurvivesARoundTrip) {
  for (const auto* text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:0:0:1"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(IpAddress, RefusesWhatIsNotExactlyAnAddress) {
  for (const auto* text :
       {"", "1.2.3", "1.2.3.4 ", "01.2.3.4", "1.2.3.256", "[::1]", "::1%lo", "1.2.3.4:80", ":::"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(Prefix, ContainsExactlyItsAddresses) {
  const auto prefix = Prefix::parse("10.8.0.0/13");
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("10.15.255.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("10.16.0.0")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("::a08:0")));
}

TEST(Prefix, RefusesBitsPastItsLength) {
  EXPECT_FALSE(Prefix::parse("10.8.0.1/13"));
  EXPECT_FALSE(Prefix::parse("10.0.0.0/33"));
  EXPECT_FALSE(Prefix::parse("10.0.0.0/"));
  EXPECT_EQ(Prefix::parse("2001:db8::1")->length_bits, 128);
}

TEST(Endpoint, ParsesBothFamiliesAndRefusesTheRest) {
  EXPECT_EQ(Endpoint::parse("192.0.2.1:80")->to_string(), "192.0.2.1:80");
  EXPECT_EQ(Endpoint::parse("0.0.0.0:0"), Endpoint{});
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:443")->to_string(), "[2001:db8::1]:443");
  for (const auto* text : {"192.0.2.1", "192.0.2.1:65536", "2001:db8::1:443", "[192.0.2.1]:80", ":80"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
}

}  // namespace
}  // namespace headgate
