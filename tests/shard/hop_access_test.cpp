// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/hop_access.hpp"

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

const std::vector<contract::HopPeer> kPeers{{"central", 3}, {"partner", 4}};

TEST(HopAccess, APeerIsTheUserOfItsShard) {
  const HopAccess access{.directory = "/run/hop", .shard_uid_base = 61184, .own_uid = 61189};
  EXPECT_TRUE(access.lets_in(kPeers, 61187));
  EXPECT_TRUE(access.lets_in(kPeers, 61188));
  for (const uid_t stranger : {0u, 1000u, 61184u, 61186u, 61189u})
    EXPECT_FALSE(access.lets_in(kPeers, stranger));
  EXPECT_FALSE(access.lets_in({}, 61187));
}

TEST(HopAccess, APeerSpeaksForItsOwnListenersOnly) {
  const HopAccess access{.directory = "/run/hop", .shard_uid_base = 61184, .own_uid = 61189};
  EXPECT_TRUE(access.speaks_for(kPeers, "central", 61187));
  EXPECT_FALSE(access.speaks_for(kPeers, "partner", 61187));
  EXPECT_FALSE(access.speaks_for(kPeers, "other", 61187));
}

TEST(HopAccess, WithoutUsersOfTheirOwnAllAreOurs) {
  const HopAccess access{.directory = "/run/hop", .shard_uid_base = {}, .own_uid = 1000};
  EXPECT_TRUE(access.lets_in(kPeers, 1000));
  EXPECT_FALSE(access.lets_in(kPeers, 0));
}

}  // namespace
}  // namespace headgate::shard
