// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/prefix_table.hpp"

#include <random>

#include <gtest/gtest.h>

namespace headgate::l4 {
namespace {

using Prefixes = std::vector<std::pair<Prefix, uint32_t>>;

IpAddress address_of(bool v6, std::array<uint8_t, 16> bytes) {
  if (v6) return IpAddress::v6(bytes);
  return IpAddress::v4(uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 |
                       bytes[3]);
}

Prefix cut(bool v6, std::array<uint8_t, 16> bytes, unsigned length_bits) {
  for (unsigned bit = length_bits; bit < 128; ++bit)
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] & ~(0x80 >> bit % 8));
  return {address_of(v6, bytes), static_cast<uint8_t>(length_bits)};
}

uint32_t find(const PrefixTable& table, const IpAddress& address) {
  return address.is_v6() ? table.find(address.bytes()) : table.find(Be32(address.v4_host_order()));
}

uint32_t longest_of(const Prefixes& prefixes, const IpAddress& address) {
  int best_bits = -1;
  uint32_t value = PrefixTable::kNone;
  for (const auto& [prefix, of] : prefixes)
    if (prefix.contains(address) && prefix.length_bits >= best_bits) {
      best_bits = prefix.length_bits;
      value = of;
    }
  return value;
}

PrefixTable table_of(const std::vector<std::pair<const char*, uint32_t>>& prefixes) {
  Prefixes parsed;
  for (const auto& [text, value] : prefixes) parsed.emplace_back(*Prefix::parse(text), value);
  return PrefixTable(parsed);
}

TEST(PrefixTable, AnEmptyOneKnowsNothing) {
  const PrefixTable table;
  EXPECT_EQ(find(table, *IpAddress::parse("192.0.2.1")), PrefixTable::kNone);
  EXPECT_EQ(find(table, *IpAddress::parse("2001:db8::1")), PrefixTable::kNone);
}

TEST(PrefixTable, TheLongestPrefixCounts) {
  const auto table = table_of({{"0.0.0.0/0", 1},
                               {"10.0.0.0/8", 2},
                               {"10.1.0.0/16", 3},
                               {"10.1.2.0/23", 4},
                               {"10.1.3.128/25", 5},
                               {"10.1.3.255/32", 6}});
  const std::pair<const char*, uint32_t> cases[] = {
      {"9.255.255.255", 1}, {"10.0.0.0", 2},   {"10.255.255.255", 2}, {"10.1.0.0", 3},
      {"10.1.1.255", 3},    {"10.1.2.0", 4},   {"10.1.3.127", 4},     {"10.1.3.128", 5},
      {"10.1.3.254", 5},    {"10.1.3.255", 6}, {"10.1.4.0", 3},       {"255.255.255.255", 1}};
  for (const auto& [address, value] : cases)
    EXPECT_EQ(find(table, *IpAddress::parse(address)), value) << address;
}

TEST(PrefixTable, OfTwoEqualPrefixesTheLaterCounts) {
  const auto table = table_of({{"10.0.0.0/8", 1}, {"10.0.0.0/8", 2}});
  EXPECT_EQ(find(table, *IpAddress::parse("10.0.0.1")), 2u);
}

class PrefixTableTest : public testing::TestWithParam<bool> {};

// Few different bytes, so that prefixes lie in one another, and addresses at their edges.
TEST_P(PrefixTableTest, SaysWhatALookThroughAllOfThemSays) {
  const bool v6 = GetParam();
  std::mt19937 random(7);
  const auto bytes = [&] {
    std::array<uint8_t, 16> result{};
    constexpr uint8_t kBytes[] = {0x00, 0x01, 0x80, 0xff, 0x7f};
    for (auto& byte : result) byte = kBytes[random() % std::size(kBytes)];
    return result;
  };
  for (unsigned round = 0; round < 60; ++round) {
    Prefixes prefixes;
    for (std::size_t i = random() % 200; i > 0; --i)
      prefixes.emplace_back(cut(v6, bytes(), static_cast<unsigned>(random() % (v6 ? 129 : 33))),
                            1 + static_cast<uint32_t>(random() % 5));
    const PrefixTable table(prefixes);
    for (unsigned i = 0; i < 300; ++i) {
      const auto address = address_of(v6, bytes());
      ASSERT_EQ(find(table, address), longest_of(prefixes, address)) << address.to_string();
    }
    for (const auto& [prefix, value] : prefixes)
      ASSERT_EQ(find(table, prefix.address), longest_of(prefixes, prefix.address))
          << prefix.address.to_string();
  }
}

INSTANTIATE_TEST_SUITE_P(Families, PrefixTableTest, testing::Bool(),
                         [](const auto& family) { return family.param ? "v6" : "v4"; });

TEST(PrefixTable, APrefixTakesAFewDozenBytes) {
  constexpr unsigned kPrefixes = 100'000;
  std::mt19937 random(1);
  Prefixes prefixes;
  for (unsigned i = 0; i < kPrefixes; ++i)
    prefixes.emplace_back(cut(false,
                              {static_cast<uint8_t>(random() % 224), static_cast<uint8_t>(random()),
                               static_cast<uint8_t>(random())},
                              24),
                          1 + static_cast<uint32_t>(random() % 4));
  const auto root_bytes = PrefixTable().memory_bytes();
  EXPECT_LT(PrefixTable(prefixes).memory_bytes() - root_bytes, kPrefixes * 64);
}

}  // namespace
}  // namespace headgate::l4
