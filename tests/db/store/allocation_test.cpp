// SPDX-License-Identifier: Apache-2.0
#include "db/store/allocation.hpp"

#include <set>

#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

class Allocations : public StoreFixture {
 protected:
  WriteResult allocate(std::vector<AllocationKey> acquire, std::vector<AllocationKey> release = {}) {
    Write write;
    write.author = "test";
    write.changes = {put(shard("s"), std::to_string(++counter_))};
    write.acquire = std::move(acquire);
    write.release = std::move(release);
    return store_->write(write);
  }
  std::vector<uint32_t> numbers(std::vector<AllocationKey> acquire, std::vector<AllocationKey> release = {}) {
    const auto result = allocate(std::move(acquire), std::move(release));
    std::vector<uint32_t> numbers;
    for (const auto& allocation : std::get<Committed>(result).acquired) numbers.push_back(allocation.number);
    return numbers;
  }
  int counter_ = 0;
};

TEST_F(Allocations, AKeyKeepsItsNumber) {
  EXPECT_EQ(numbers({{Space::kLocalPort, "a"}, {Space::kLocalPort, "b"}, {Space::kTarget, "a"}}),
            (std::vector<uint32_t>{1024, 1025, 1}));
  reopen();
  EXPECT_EQ(numbers({{Space::kLocalPort, "b"}, {Space::kLocalPort, "c"}}),
            (std::vector<uint32_t>{1025, 1026}));
}

TEST_F(Allocations, AReleasedNumberIsNotGivenToAnother) {
  EXPECT_EQ(numbers({{Space::kTarget, "a"}, {Space::kTarget, "b"}}), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(numbers({{Space::kTarget, "c"}}, {{Space::kTarget, "b"}}), (std::vector<uint32_t>{3}));
  EXPECT_EQ(reader().allocations().value().size(), 2u);
  EXPECT_EQ(numbers({{Space::kTarget, "b"}}), (std::vector<uint32_t>{2}));  // but to its old owner
}

TEST_F(Allocations, AFullSpaceReusesTheLongestReleased) {
  const auto range = range_of(Space::kUser);
  std::vector<AllocationKey> all;
  for (auto number = range.first; number <= range.last; ++number)
    all.push_back({Space::kUser, "shard" + std::to_string(number)});
  const auto first = numbers(all);
  EXPECT_EQ(std::set<uint32_t>(first.begin(), first.end()).size(), all.size());
  const auto refused = allocate({{Space::kUser, "new"}});
  ASSERT_TRUE(std::holds_alternative<Refused>(refused));
  EXPECT_EQ(std::get<Refused>(refused).violations.at(0).code, ViolationCode::kExhausted);
  allocate({}, {all[7]});
  allocate({}, {all[3]});
  EXPECT_EQ(numbers({{Space::kUser, "new"}, {Space::kUser, "newer"}}), (std::vector<uint32_t>{7, 3}));
}

}  // namespace
}  // namespace headgate::db
