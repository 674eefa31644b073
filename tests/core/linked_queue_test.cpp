// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/linked_queue.hpp"

#include <deque>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace headgate {
namespace {

struct Waiting final : QueueLink {
  explicit Waiting(int which) : number(which) {}
  int number;
};

std::vector<int> drained(LinkedQueue<Waiting>& queue) {
  std::vector<int> order;
  while (Waiting* const first = queue.first()) {
    order.push_back(first->number);
    first->leave();
  }
  return order;
}

TEST(LinkedQueue, WhoEndsLeavesAndWhoOutlivesItWaitsNoMore) {
  Waiting outlives(1);
  {
    LinkedQueue<Waiting> queue;
    queue.join(outlives);
    {
      Waiting ends(2);
      queue.join(ends);
      EXPECT_TRUE(ends.waits());
    }
    EXPECT_EQ(queue.first(), &outlives);
  }
  EXPECT_FALSE(outlives.waits());
  outlives.leave();  // of none
}

// Beside a deque, which is the same with other costs.
TEST(LinkedQueue, KeepsTheOrderUnderAnythingThatMayBeDone) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<Waiting>> all;
    for (int i = 0; i < 20; ++i) all.push_back(std::make_unique<Waiting>(i));
    LinkedQueue<Waiting> queue;
    std::deque<int> expected;
    for (int step = 0; step < 200; ++step) {
      Waiting& one = *all[random() % all.size()];
      if (one.waits()) {
        one.leave();
        std::erase(expected, one.number);
      } else if (random() % 4 == 0) {
        queue.join_in_front(one);
        expected.push_front(one.number);
      } else {
        queue.join(one);
        expected.push_back(one.number);
      }
      ASSERT_EQ(queue.empty(), expected.empty());
      ASSERT_EQ(queue.empty() ? -1 : queue.first()->number, expected.empty() ? -1 : expected.front());
    }
    EXPECT_EQ(drained(queue), std::vector<int>(expected.begin(), expected.end()));
  }
}

}  // namespace
}  // namespace headgate
