// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/capture_filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/packet_builder.hpp"

namespace headgate::fastpath {
namespace {

using test::Bytes;
using test::Packet;

struct FilterRow {
  const char* expression;
  bool syn, datagram, v6;
};

TEST(CaptureFilter, TakesWhatTcpdumpTakes) {
  const Bytes syn = Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).flags(kTcpSyn).build();
  const Bytes datagram =
      Packet().ipv4("192.0.2.3", "192.0.2.100").udp(40'000, 53).payload("question").build();
  const Bytes v6 = Packet().ipv6("2001:db8::2", "2001:db8::100").tcp(40'000, 80).build();
  const FilterRow rows[] = {
      {"", true, true, true},
      {"tcp", true, false, true},
      {"udp port 53", false, true, false},
      {"host 192.0.2.2", true, false, false},
      {"src net 192.0.2.0/24 and not udp", true, false, false},
      {"dst net 192.0", true, true, false},
      {"host 2001:db8::2", false, false, true},
      {"ip6 and tcp dst portrange 80-90", false, false, true},
      {"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", true, false, false},
      {"ip[2:2] < 40", false, true, false},
      {"ether host 02:00:00:00:00:01", true, true, true},
      {"ether proto 0x86dd", false, false, true},
      {"less 60", true, true, false},
      {"len > 70", false, false, true},
      {"!(tcp||ip6)", false, true, false},
      {"arp", false, false, false},
  };
  for (const auto& row : rows) {
    const auto filter = CaptureFilter::compile(row.expression);
    ASSERT_TRUE(filter.ok()) << row.expression << ": " << filter.error().message;
    const auto matches = [&](const Bytes& frame) {
      return filter->matches(frame, static_cast<uint32_t>(frame.size()));
    };
    EXPECT_EQ(matches(syn), row.syn) << row.expression;
    EXPECT_EQ(matches(datagram), row.datagram) << row.expression;
    EXPECT_EQ(matches(v6), row.v6) << row.expression;
  }
}

TEST(CaptureFilter, AFrameThatIsTooShortForItDoesNotMatch) {
  const auto filter = CaptureFilter::compile("tcp port 80");
  ASSERT_TRUE(filter.ok());
  const Bytes frame = Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).build();
  for (std::size_t length = 0; length < 38; ++length)
    EXPECT_FALSE(filter->matches(std::span(frame).first(length), static_cast<uint32_t>(length))) << length;
  EXPECT_TRUE(filter->matches(std::span(frame).first(38), 38));
}

// A name server that does not answer would hold up the thread that configures.
TEST(CaptureFilter, LooksUpNoName) {
  for (const auto* expression :
       {"host example.com", "host localhost", "net loopback", "port http", "host 1.example", "host 1.2.3.4.5",
        "host 80-90", "host len-10", "src gateway", "ether host name", "ip proto \\tcp", "host \\tcp",
        "host ::x", "host a:b", "host 192.0.2.2.example.com", "gateway 192.0.2.1", "host 1234567890.1",
        "net 10.0.", "tcp_"}) {
    const auto filter = CaptureFilter::compile(expression);
    ASSERT_FALSE(filter.ok()) << expression;
    EXPECT_EQ(filter.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(filter.error().message, testing::AnyOf(testing::HasSubstr("names are not looked up"),
                                                       testing::HasSubstr("no backslash")))
        << expression;
  }
}

TEST(CaptureFilter, SaysWhatIsWrong) {
  const auto message = [](const std::string& expression) {
    const auto filter = CaptureFilter::compile(expression);
    return filter.ok() ? std::string("taken") : filter.error().message;
  };
  EXPECT_EQ(message("tcp port"), "can't parse filter expression: syntax error");
  EXPECT_THAT(message("(tcp"), testing::HasSubstr("syntax error"));
  EXPECT_THAT(message("ip6 protochain 6"), testing::HasSubstr("\"protochain\" is no word"));
  EXPECT_THAT(message("port 65536"), testing::HasSubstr("65536"));
  EXPECT_THAT(message(std::string("tcp\0x", 5)), testing::HasSubstr("no byte but ASCII's"));
  EXPECT_THAT(message("tcp \xc3\xa4"), testing::HasSubstr("no byte but ASCII's"));
  EXPECT_THAT(message(std::string(600, ' ')), testing::HasSubstr("at most 512 bytes"));
  EXPECT_THAT(message(std::string(500, '(')), testing::HasSubstr("syntax error"));
}

}  // namespace
}  // namespace headgate::fastpath
