// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/ticket_keys.hpp"

#include <gtest/gtest.h>

namespace headgate::tls {
namespace {

constexpr int64_t kEpochMs = std::chrono::milliseconds(limits::kTicketEpoch).count();
constexpr int64_t kNow = 1'800'000'000'000 / kEpochMs * kEpochMs;  // the beginning of an epoch

const TicketKey* known(const TicketKeys& keys, const TicketKey& key) {
  return keys.current().named(key.name.data());
}

TEST(TicketKeys, TwoReplicasOfOneSecretOpenEachOthersTickets) {
  const TicketKeys one("secret", kNow);
  const TicketKeys other("secret", kNow + kEpochMs - 1);
  const auto* key = known(other, one.current().issuing());
  ASSERT_TRUE(key);
  EXPECT_EQ(key->cipher_key, one.current().issuing().cipher_key);
  EXPECT_EQ(key->mac_key, one.current().issuing().mac_key);
}

TEST(TicketKeys, AnotherSecretKnowsNothing) {
  const TicketKeys one("secret", kNow);
  const TicketKeys other("Secret", kNow);
  EXPECT_FALSE(known(other, one.current().issuing()));
  EXPECT_TRUE(one.is_of("secret"));
  EXPECT_FALSE(one.is_of("secret2"));
}

TEST(TicketKeys, ATicketLivesThroughTheNextEpochAndNoLonger) {
  TicketKeys keys("secret", kNow);
  const TicketKey issued = keys.current().issuing();
  keys.keep_current(kNow + kEpochMs);
  EXPECT_TRUE(known(keys, issued));
  EXPECT_NE(keys.current().issuing().name, issued.name);
  keys.keep_current(kNow + 2 * kEpochMs);
  EXPECT_FALSE(known(keys, issued));
}

TEST(TicketKeys, AClockThatGoesBehindOpensWhatOneAheadIssued) {
  const TicketKeys ahead("secret", kNow + kEpochMs);
  const TicketKeys behind("secret", kNow);
  EXPECT_TRUE(known(behind, ahead.current().issuing()));
}

TEST(TicketKeys, KeysOfAnEpochDifferInAllTheirParts) {
  const TicketKeys keys("secret", kNow);
  const auto& ring = keys.current();
  EXPECT_NE(ring.keys[0].cipher_key, ring.keys[1].cipher_key);
  EXPECT_NE(ring.keys[1].cipher_key, ring.keys[2].cipher_key);
  EXPECT_NE(ring.keys[1].cipher_key, ring.keys[1].mac_key);
}

}  // namespace
}  // namespace headgate::tls
