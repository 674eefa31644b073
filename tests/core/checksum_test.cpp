// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/checksum.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.hpp"

namespace headgate {
namespace {

test::Bytes random_bytes(std::mt19937& random, std::size_t count) {
  test::Bytes bytes(count);
  for (auto& byte : bytes) byte = std::byte(random());
  return bytes;
}

TEST(Checksum, ExampleOfRfc1071) {
  test::Bytes bytes;
  for (const unsigned value : {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})
    bytes.push_back(std::byte(value));
  EXPECT_EQ(finish_checksum(sum_bytes(bytes)), Be16(static_cast<uint16_t>(~0xddf2)));
}

TEST(Checksum, EqualsThePlainLoopForEveryLengthAndAlignment) {
  std::mt19937 random(1);
  const auto bytes = random_bytes(random, 400);
  for (std::size_t first = 0; first < 17; ++first)
    for (std::size_t length = 0; length + first <= bytes.size(); length += 1 + length / 40) {
      const test::Bytes part(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                             bytes.begin() + static_cast<std::ptrdiff_t>(first + length));
      EXPECT_EQ(finish_checksum(sum_bytes({bytes.data() + first, length})),
                Be16(static_cast<uint16_t>(~test::plain_sum(part))))
          << first << "+" << length;
    }
}

TEST(Checksum, SumOfAllOnesLosesNoCarry) {
  const test::Bytes bytes(65'535, std::byte{0xff});
  EXPECT_EQ(finish_checksum(sum_bytes(bytes)), Be16(static_cast<uint16_t>(~test::plain_sum(bytes))));
}

// RFC 1624: whatever changes, updating gives what adding everything up anew gives. Zero and all ones are the
// values that the older equations get wrong.
TEST(Checksum, UpdateEqualsAnewForRandomChanges) {
  std::mt19937 random(2);
  for (int turn = 0; turn < 20'000; ++turn) {
    auto bytes = random_bytes(random, 40);
    if (turn % 3 == 0) std::fill(bytes.begin(), bytes.begin() + 20, std::byte(turn % 2 == 0 ? 0x00 : 0xff));
    Be16 checksum = finish_checksum(sum_bytes(bytes));
    auto changed = bytes;
    auto& word = header_at<Be16>(changed.data() + 4);
    auto& address = header_at<Be32>(changed.data() + 8);
    auto& long_address = header_at<Ipv6Bytes>(changed.data() + 16);
    const Be16 old_word = word;
    const Be32 old_address = address;
    const Ipv6Bytes old_long_address = long_address;
    word = turn % 5 == 0 ? Be16(0xffff) : Be16(static_cast<uint16_t>(random()));
    address = turn % 7 == 0 ? Be32(0) : Be32(static_cast<uint32_t>(random()));
    for (auto& byte : long_address) byte = static_cast<uint8_t>(random());
    update_checksum(checksum, delta_of(old_word, word) + delta_of(old_address, address) +
                                  delta_of(old_long_address, long_address));
    // 0x0000 and 0xffff are one value in one's complement; a receiver adds and finds 0xffff either way.
    const auto verified = fold(sum_bytes(changed) + checksum.raw());
    ASSERT_EQ(verified, 0xffff) << turn;
  }
}

TEST(Checksum, UpdateKeepsAZeroOfAnIpHeaderZero) {
  // The example of RFC 1624 section 4: equation 2 makes 0xffff of it.
  Be16 checksum(0xdd2f);
  update_checksum(checksum, delta_of(Be16(0x5555), Be16(0x3285)));
  EXPECT_EQ(checksum, Be16(0x0000));
}

}  // namespace
}  // namespace headgate
