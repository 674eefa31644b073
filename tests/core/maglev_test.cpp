// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/maglev.hpp"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate {
namespace {

std::vector<MaglevMember> members(std::size_t count, uint32_t weight = 1) {
  std::vector<MaglevMember> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back({"edge/" + std::to_string(1000 + i), weight});
  return all;
}

std::map<std::string, std::size_t> slots_by_name(const Maglev& maglev) {
  std::map<std::string, std::size_t> slots;
  for (const auto position : maglev.slots()) ++slots[maglev.members()[position].name];
  return slots;
}

// Slots that belong to another member, though their member of before is still there.
std::size_t moved_needlessly(const Maglev& before, const Maglev& after) {
  std::size_t moved = 0;
  for (std::size_t slot = 0; slot < before.slots().size(); ++slot) {
    const auto& old_name = before.members()[before.slots()[slot]].name;
    const bool still_there = std::any_of(after.members().begin(), after.members().end(),
                                         [&](const auto& member) { return member.name == old_name; });
    moved += still_there && after.members()[after.slots()[slot]].name != old_name;
  }
  return moved;
}

TEST(Maglev, SlotShareFollowsWeight) {
  for (const auto& weights : std::vector<std::vector<uint32_t>>{
           {1}, {1, 1}, {1, 2, 3}, {100, 1}, {7, 7, 1, 50}, {1'000'000, 999'999, 1}, {1, 0, 1}}) {
    auto all = members(weights.size());
    uint64_t sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += all[i].weight = weights[i];
    const Maglev maglev(all);
    auto slots = slots_by_name(maglev);
    for (const auto& member : all) {
      const double expected = static_cast<double>(member.weight) / static_cast<double>(sum);
      const double share =
          static_cast<double>(slots[member.name]) / static_cast<double>(maglev.slots().size());
      EXPECT_NEAR(share, expected, 0.001) << member.name << " of weight " << member.weight;
    }
  }
}

// A tenth is no binary fraction: ten of them must be a turn all the same, and not eleven.
TEST(Maglev, TurnsAreCountedExactly) {
  auto all = members(3);
  all[0].weight = all[1].weight = 10;
  const Maglev maglev(all);
  EXPECT_EQ(slots_by_name(maglev).at(all[2].name), maglev.slots().size() / (10 + 10 + 1));
}

TEST(Maglev, EqualWeightsGetSlotsThatDifferByOneAtMost) {
  for (const std::size_t count : {2, 3, 64, 65, 600}) {
    const auto slots = slots_by_name(Maglev(members(count)));
    const auto [least, most] =
        std::minmax_element(slots.begin(), slots.end(), [](auto& a, auto& b) { return a.second < b.second; });
    EXPECT_EQ(slots.size(), count);
    EXPECT_LE(most->second - least->second, 1u) << count;
  }
}

TEST(Maglev, LosingOneMemberMovesFewOthers) {
  for (const std::size_t count : {3, 10, 60}) {
    const Maglev before(members(count));
    for (std::size_t lost = 0; lost < count; lost += 1 + count / 5) {
      auto rest = members(count);
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(lost));
      EXPECT_LT(moved_needlessly(before, Maglev(rest)), before.slots().size() * 6 / 100)
          << count << "-" << lost;
    }
  }
}

TEST(Maglev, AThousandMembersLosingOneMoveUnderOnePercent) {
  const Maglev before(members(1000));
  auto rest = members(1000);
  rest.erase(rest.begin() + 500);
  EXPECT_LT(moved_needlessly(before, Maglev(rest)), before.slots().size() / 100);
}

TEST(Maglev, SameMembersGiveTheSameTable) {
  EXPECT_EQ(Maglev(members(17)).slots(), Maglev(members(17)).slots());
}

TEST(Maglev, EveryHashChoosesASlotAndAllAreReached) {
  const Maglev maglev(members(3));
  EXPECT_LT(maglev.choose(UINT64_MAX), 3);
  EXPECT_LT(maglev.choose(0), 3);
  std::mt19937_64 random(1);
  std::map<uint16_t, int> chosen;
  for (int i = 0; i < 30'000; ++i) ++chosen[maglev.choose(random())];
  for (uint16_t position = 0; position < 3; ++position) EXPECT_NEAR(chosen[position], 10'000, 400);
}

TEST(Maglev, WithoutWeightThereIsNoTable) {
  EXPECT_TRUE(Maglev(std::vector<MaglevMember>{}).empty());
  EXPECT_TRUE(Maglev(members(3, 0)).empty());
  EXPECT_FALSE(Maglev(members(1)).empty());
}

}  // namespace
}  // namespace headgate
