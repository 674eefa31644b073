// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/memory_watch.hpp"

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

TEST(MemoryWatch, IsShortBetweenItsTwoShares) {
  constexpr uint64_t kMax = 1000;
  EXPECT_FALSE(memory_is_short(false, 899, kMax));
  EXPECT_TRUE(memory_is_short(false, 900, kMax));
  EXPECT_TRUE(memory_is_short(true, 800, kMax));
  EXPECT_FALSE(memory_is_short(true, 799, kMax));
}

TEST(MemoryWatch, CountsWhatIsTheProcesssAlone) {
  EXPECT_EQ(own_bytes("2000 500 200 10 0 300 0", 4096), 300u * 4096);
  EXPECT_FALSE(own_bytes("", 4096));
  EXPECT_FALSE(own_bytes("2000 500", 4096));
  EXPECT_FALSE(own_bytes("2000 200 500", 4096)) << "more shared than there is";
}

TEST(MemoryWatch, WithoutALimitNothingIsDue) {
  EXPECT_FALSE(MemoryWatch(0).due());
  MemoryWatch watch(uint64_t{1} << 40);
  ASSERT_TRUE(watch.due());
  const TimePoint now = monotonic_now();
  EXPECT_FALSE(watch.look(now)) << "a terabyte";
  EXPECT_EQ(watch.due(), now + limits::kMemoryLookInterval);
  EXPECT_TRUE(watch.notice().empty());
}

TEST(MemoryWatch, SaysOnceThatItIsShort) {
  MemoryWatch watch(1 << 20);
  EXPECT_TRUE(watch.look(monotonic_now()));
  EXPECT_TRUE(watch.is_short());
  EXPECT_FALSE(watch.look(monotonic_now())) << "it was so before";
  EXPECT_NE(watch.notice().find("memory_max_per_replica (1 MiB)"), std::string::npos) << watch.notice();
}

}  // namespace
}  // namespace headgate::shard
