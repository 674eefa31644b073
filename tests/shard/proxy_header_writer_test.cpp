// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/proxy_header_writer.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/proxy_headers.hpp"

namespace headgate::shard {
namespace {

using contract::ProxyVersion;
using Status = ParsedProxyHeader::Status;
using namespace std::string_literals;

ProxyHeader from_to(const char* source, const char* destination) {
  ProxyHeader header;
  header.local = false;
  header.source = {*IpAddress::parse(source), 51234};
  header.destination = {*IpAddress::parse(destination), 443};
  return header;
}

class ProxyHeaderWriter : public testing::Test {
 protected:
  std::string write(const ProxyHeader& header, ProxyVersion version) {
    return std::string(write_proxy_header(header, version, arena_));
  }
  Arena arena_;
};

TEST_F(ProxyHeaderWriter, ALineIsAsTheDocumentWritesIt) {
  EXPECT_EQ(write(from_to("192.0.2.2", "198.51.100.1"), ProxyVersion::kV1),
            "PROXY TCP4 192.0.2.2 198.51.100.1 51234 443\r\n");
  EXPECT_EQ(write(from_to("2001:db8::2", "2001:db8::100"), ProxyVersion::kV1),
            "PROXY TCP6 2001:db8::2 2001:db8::100 51234 443\r\n");
}

TEST_F(ProxyHeaderWriter, ABinaryHeaderEndsWithItsChecksum) {
  const auto written = write(from_to("192.0.2.2", "198.51.100.1"), ProxyVersion::kV2);
  auto expected = testing_support::proxy_v2(
      0x21, 0x11,
      "\xc0\x00\x02\x02\xc6\x33\x64\x01\xc8\x22\x01\xbb"s + testing_support::tlv(0x03, "\0\0\0\0"s));
  const uint32_t sum = testing_support::crc32c(expected);
  for (std::size_t i = 0; i < 4; ++i)
    expected[expected.size() - 4 + i] = static_cast<char>(sum >> (24 - 8 * i));
  EXPECT_EQ(written, expected);
}

TEST_F(ProxyHeaderWriter, AClientOfAnotherFamilyOrNoneIsUnknown) {
  for (const auto& header : {from_to("192.0.2.2", "2001:db8::100"), ProxyHeader{}}) {
    EXPECT_EQ(write(header, ProxyVersion::kV1), "PROXY UNKNOWN\r\n");
    EXPECT_EQ(write(header, ProxyVersion::kV2), testing_support::proxy_v2(0x21, 0x00, ""));
  }
}

TEST_F(ProxyHeaderWriter, TlsStandsAsTheDocumentSays) {
  auto header = from_to("192.0.2.2", "198.51.100.1");
  header.alpn = "h2";
  header.authority = "app.example";
  header.tls = {.certificate_here = true,
                .certificate_session = true,
                .verified = true,
                .version = "TLSv1.3",
                .cipher = "TLS_AES_128_GCM_SHA256",
                .common_name = "alice"};
  using testing_support::tlv;
  const auto written = write(header, ProxyVersion::kV2);
  const auto tls =
      "\x07\0\0\0\0"s + tlv(0x21, "TLSv1.3") + tlv(0x22, "alice") + tlv(0x23, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(written.substr(28, written.size() - 28 - 7),
            tlv(0x01, "h2") + tlv(0x02, "app.example") + tlv(0x20, tls));
}

TEST_F(ProxyHeaderWriter, WhatNoParserTakesIsLeftOut) {
  auto header = from_to("192.0.2.2", "198.51.100.1");
  header.alpn = "h\n2";
  header.authority = "";
  const std::string long_name(256, 'x');
  header.tls = {.verified = true, .version = "", .cipher = "", .common_name = long_name};
  const auto parsed = parse_proxy_header(write(header, ProxyVersion::kV2));
  ASSERT_EQ(parsed.status, Status::kWhole);
  EXPECT_EQ(parsed.header.alpn, "");
  EXPECT_EQ(parsed.header.tls, (ProxyTls{.verified = true, .version = "", .cipher = "", .common_name = ""}));
}

// Over random headers, the longest texts among them.
TEST_F(ProxyHeaderWriter, WhatIsWrittenIsParsedToTheSame) {
  std::mt19937 random(11);
  const auto text = [&] {
    std::string made(random() % 4 ? random() % 20 : 255, ' ');
    for (auto& c : made) c = static_cast<char>(0x20 + random() % 0x5f);
    return made;
  };
  const auto address = [&](bool v6) {
    std::array<uint8_t, 16> raw;
    for (auto& byte : raw) byte = static_cast<uint8_t>(random());
    return v6 ? IpAddress::v6(raw) : IpAddress::v4(static_cast<uint32_t>(random()));
  };
  for (int round = 0; round < 2000; ++round) {
    const std::string texts[] = {text(), text(), text(), text(), text()};
    const bool v6 = random() % 2;
    ProxyHeader header;
    header.local = false;
    header.source = {address(v6), static_cast<uint16_t>(random())};
    header.destination = {address(v6), static_cast<uint16_t>(random())};
    for (const auto version : {ProxyVersion::kV1, ProxyVersion::kV2}) {
      if (version == ProxyVersion::kV2) {
        header.alpn = texts[0];
        header.authority = texts[1];
        header.hop_listener = random() % 2 ? "0191-ab" : "";
        if (random() % 2)
          header.tls =
              ProxyTls{random() % 2 == 0, random() % 2 == 0, random() % 2 == 0, texts[2], texts[3], texts[4]};
      }
      const auto written = write(header, version);
      const auto parsed = parse_proxy_header(written);
      ASSERT_EQ(parsed.status, Status::kWhole);
      EXPECT_EQ(parsed.header.size_bytes, written.size());
      EXPECT_EQ(parsed.header.source, header.source);
      EXPECT_EQ(parsed.header.destination, header.destination);
      EXPECT_EQ(parsed.header.alpn, header.alpn);
      EXPECT_EQ(parsed.header.authority, header.authority);
      EXPECT_EQ(parsed.header.tls, header.tls);
      EXPECT_EQ(parsed.header.hop_listener, header.hop_listener);
      arena_.reset();
    }
  }
}

}  // namespace
}  // namespace headgate::shard
