// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/proxy_header.hpp"

#include <string>

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"
#include "tests/support/proxy_headers.hpp"

namespace headgate::shard {
namespace {

using testing_support::proxy_v2;
using testing_support::tlv;
using Status = ParsedProxyHeader::Status;
using namespace std::string_literals;

constexpr const char* kLine4 = "PROXY TCP4 192.0.2.2 198.51.100.1 51234 443\r\n";
constexpr const char* kLine6 = "PROXY TCP6 2001:db8::2 2001:db8::100 0 443\r\n";

const std::string kFour = "\xc0\x00\x02\x02\xc6\x33\x64\x01\xc8\x22\x01\xbb"s;  // as kLine4
std::string six() {
  return "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x02" + "\x20\x01\x0d\xb8"s + std::string(10, '\0') +
         "\x01\x00"s + "\xc8\x22\x01\xbb"s;
}

TEST(ProxyHeader, BothVersionsNameTheClientAndWhatItReached) {
  for (const auto& bytes : {std::string(kLine4), proxy_v2(0x21, 0x11, kFour)}) {
    const auto parsed = parse_proxy_header(bytes);
    ASSERT_EQ(parsed.status, Status::kWhole) << bytes;
    EXPECT_FALSE(parsed.header.local);
    EXPECT_EQ(parsed.header.source, (Endpoint{*IpAddress::parse("192.0.2.2"), 51234}));
    EXPECT_EQ(parsed.header.destination, (Endpoint{*IpAddress::parse("198.51.100.1"), 443}));
    EXPECT_EQ(parsed.header.size_bytes, bytes.size());
  }
}

TEST(ProxyHeader, OfIPv6AsWell) {
  const auto line = parse_proxy_header(kLine6);
  ASSERT_EQ(line.status, Status::kWhole);
  EXPECT_EQ(line.header.source, (Endpoint{*IpAddress::parse("2001:db8::2"), 0}));
  const auto parsed = parse_proxy_header(proxy_v2(0x21, 0x21, six()));
  ASSERT_EQ(parsed.status, Status::kWhole);
  EXPECT_EQ(parsed.header.source, (Endpoint{*IpAddress::parse("2001:db8::2"), 51234}));
  EXPECT_EQ(parsed.header.destination, (Endpoint{*IpAddress::parse("2001:db8::100"), 443}));
}

TEST(ProxyHeader, WhoSpeaksForItselfIsWhoTheSocketSays) {
  const std::string locals[] = {
      proxy_v2(0x20, 0x00, ""),
      proxy_v2(0x20, 0x11, kFour),  // its addresses are to be ignored
      proxy_v2(0x20, 0xff, "whatever"),
      proxy_v2(0x21, 0x00, ""),
      "PROXY UNKNOWN\r\n",
      "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
  };
  for (const auto& bytes : locals) {
    const auto parsed = parse_proxy_header(bytes + "GET / HTTP/1.1\r\n");
    ASSERT_EQ(parsed.status, Status::kWhole) << bytes;
    EXPECT_TRUE(parsed.header.local) << bytes;
    EXPECT_EQ(parsed.header.size_bytes, bytes.size());
  }
}

// Byte by byte it is partial until it is whole, and what follows it changes nothing.
TEST(ProxyHeader, WhatIsNotWholeIsWaitedForAndNothingBeyondIsRead) {
  const std::string headers[] = {kLine4, kLine6, "PROXY UNKNOWN\r\n",
                                 proxy_v2(0x21, 0x11, kFour + tlv(0x04, "x")), proxy_v2(0x20, 0x00, "")};
  for (const auto& bytes : headers) {
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_EQ(parse_proxy_header(bytes.substr(0, length)).status, Status::kPartial) << bytes << length;
    for (const auto& rest : {"\r\n\r\n"s, "\0\xff"s, bytes}) {
      const auto parsed = parse_proxy_header(bytes + rest);
      EXPECT_EQ(parsed.status, Status::kWhole);
      EXPECT_EQ(parsed.header.size_bytes, bytes.size());
    }
  }
}

TEST(ProxyHeader, ALineIsExactlyOfTheForm) {
  const char* const lines[] = {
      "GET / HTTP/1.1\r\n",
      "proxy TCP4 192.0.2.2 198.51.100.1 1 2\r\n",
      "PROXY\r\n",
      "PROXY  TCP4 192.0.2.2 198.51.100.1 1 2\r\n",
      "PROXY TCP4 192.0.2.2  198.51.100.1 1 2\r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 1 2 \r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 1\r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 1 2 3\r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 01 2\r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 +1 2\r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 65536 2\r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 1 \r\n",
      "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
      "PROXY TCP4 2001:db8::2 2001:db8::1 1 2\r\n",
      "PROXY TCP6 192.0.2.2 198.51.100.1 1 2\r\n",
      "PROXY TCP6 ::1%lo ::1 1 2\r\n",
      "PROXY UDP4 192.0.2.2 198.51.100.1 1 2\r\n",
      "PROXY UNKNOWNS\r\n",
      "PROXY TCP4 192.0.2.2 198.51.100.1 1 2\n\r\n",
  };
  for (const char* line : lines) EXPECT_EQ(parse_proxy_header(line).status, Status::kMalformed) << line;
}

TEST(ProxyHeader, ALineEndsWithin107Bytes) {
  const auto line = [](std::size_t size) { return "PROXY UNKNOWN " + std::string(size - 16, 'x') + "\r\n"; };
  EXPECT_EQ(parse_proxy_header(line(107)).status, Status::kWhole);
  EXPECT_EQ(parse_proxy_header(line(108)).status, Status::kMalformed);
  EXPECT_EQ(parse_proxy_header("PROXY UNKNOWN " + std::string(92, 'x')).status, Status::kPartial);
  EXPECT_EQ(parse_proxy_header("PROXY UNKNOWN " + std::string(93, 'x')).status, Status::kMalformed);
}

TEST(ProxyHeader, ABinaryHeaderIsExactlyOfTheForm) {
  const std::string headers[] = {
      proxy_v2(0x11, 0x11, kFour),  // version 1
      proxy_v2(0x22, 0x11, kFour),  // no command
      proxy_v2(0x21, 0x12, kFour),  // a datagram
      proxy_v2(0x21, 0x31, std::string(216, '\0')),
      proxy_v2(0x21, 0x01, kFour),
      proxy_v2(0x21, 0x11, kFour.substr(1)),
      proxy_v2(0x21, 0x21, kFour),
  };
  for (const auto& bytes : headers) EXPECT_EQ(parse_proxy_header(bytes).status, Status::kMalformed);
}

TEST(ProxyHeader, WhatItSaysOfTlsIsRead) {
  const auto tls = tlv(0x20, "\x05\0\0\0\0"s + tlv(0x21, "TLSv1.2") + tlv(0x22, "alice") +
                                 tlv(0x23, "ECDHE-RSA-AES128-GCM-SHA256") + tlv(0x24, "SHA256"));
  const auto bytes =
      proxy_v2(0x21, 0x11, kFour + tlv(0x01, "h2") + tlv(0x02, "app.example") + tls + tlv(0xe0, "x"));
  const auto parsed = parse_proxy_header(bytes);
  ASSERT_EQ(parsed.status, Status::kWhole);
  EXPECT_EQ(parsed.header.alpn, "h2");
  EXPECT_EQ(parsed.header.authority, "app.example");
  EXPECT_EQ(parsed.header.tls, (ProxyTls{.certificate_here = false,
                                         .certificate_session = true,
                                         .verified = true,
                                         .version = "TLSv1.2",
                                         .cipher = "ECDHE-RSA-AES128-GCM-SHA256",
                                         .common_name = "alice"}));
  const auto without = parse_proxy_header(proxy_v2(0x21, 0x11, kFour + tlv(0x20, "\x06\0\0\0\0"s)));
  ASSERT_EQ(without.status, Status::kWhole);
  EXPECT_FALSE(without.header.tls) << "the client spoke none";
}

// Strangers use that type for what they like.
TEST(ProxyHeader, AListenerIsReadWhereItIsOne) {
  const auto read = [](const std::string& tlvs) {
    const auto bytes = proxy_v2(0x21, 0x11, kFour + tlvs);
    const auto parsed = parse_proxy_header(bytes);
    return parsed.status == Status::kWhole ? std::string(parsed.header.hop_listener) : "refused";
  };
  EXPECT_EQ(read(tlv(0xe8, "0191-ab")), "0191-ab");
  EXPECT_EQ(read(tlv(0xe8, "")), "");
  EXPECT_EQ(read(tlv(0xe8, "\0\x01"s)), "");
  EXPECT_EQ(read(tlv(0xe8, "a b")), "");
  EXPECT_EQ(read(tlv(0xe8, std::string(129, 'a'))), "");
}

TEST(ProxyHeader, WhatStandsBehindTheAddressesIsExactlyOfTheForm) {
  const std::string tlvs[] = {
      "\x04",
      "\x04\x00\x02x"s,
      tlv(0x03, "abc"),
      tlv(0x01, ""),
      tlv(0x01, "h\n2"),
      tlv(0x01, "h2") + tlv(0x01, "h2"),
      tlv(0x02, std::string(256, 'a')),
      tlv(0x02, "a\0b"s),
      tlv(0x20, ""),
      tlv(0x20, "\x01\0\0\0"s),
      tlv(0x20, "\x01\0\0\0\0\x21"s),
      tlv(0x20, "\x01\0\0\0\0\x21\0\x02T"s),
      tlv(0x20, "\x01\0\0\0\0"s + tlv(0x21, "")),
      tlv(0x20, "\x01\0\0\0\0"s + tlv(0x22, "a") + tlv(0x22, "b")),
      tlv(0x20, "\x01\0\0\0\0"s) + tlv(0x20, "\x01\0\0\0\0"s),
  };
  for (const auto& behind : tlvs)
    EXPECT_EQ(parse_proxy_header(proxy_v2(0x21, 0x11, kFour + behind)).status, Status::kBadTlv)
        << testing::PrintToString(behind);
}

TEST(ProxyHeader, ItsSizeIsBounded) {
  const auto with_tlv = [](std::size_t header_bytes) {
    return proxy_v2(0x21, 0x11, kFour + tlv(0x04, std::string(header_bytes - 31, 'x')));
  };
  EXPECT_EQ(parse_proxy_header(with_tlv(limits::kProxyHeaderBytesMax)).status, Status::kWhole);
  EXPECT_EQ(parse_proxy_header(with_tlv(limits::kProxyHeaderBytesMax + 1).substr(0, 16)).status,
            Status::kMalformed)
      << "it is not even read";
}

TEST(ProxyHeader, AChecksumIsHeldTo) {
  // CRC-32C of the whole header, with zeros in the place of the sum.
  auto bytes = proxy_v2(0x21, 0x11, kFour + tlv(0x03, "\0\0\0\0"s) + tlv(0x04, "x"));
  const auto at = bytes.size() - 4 - 4;
  const uint32_t sum = testing_support::crc32c(bytes);
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(sum >> (24 - 8 * i));
  EXPECT_EQ(parse_proxy_header(bytes).status, Status::kWhole);
  for (const std::size_t changed : {std::size_t{16}, at, bytes.size() - 1}) {
    auto broken = bytes;
    broken[changed] = static_cast<char>(broken[changed] ^ 1);
    EXPECT_EQ(parse_proxy_header(broken).status, Status::kBadTlv) << changed;
  }
}

}  // namespace
}  // namespace headgate::shard
