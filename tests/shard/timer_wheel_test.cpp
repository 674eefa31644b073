// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/timer_wheel.hpp"

#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

using std::chrono::milliseconds;

struct TestTimer final : Timer {
  std::function<void()> fire = [] {};
  void on_deadline() override { fire(); }
};

TEST(TimerWheel, FiresOnceNeverEarlyAtMostTwoTicksLate) {
  const TimePoint start{};
  TimerWheel wheel(start);
  std::mt19937 random(1);
  std::vector<TestTimer> timers(500);
  std::vector<int64_t> due_ms(timers.size());
  std::vector<int64_t> fired_ms(timers.size(), -1);
  int64_t now_ms = 0;
  for (std::size_t i = 0; i < timers.size(); ++i) {
    due_ms[i] = static_cast<int64_t>(random() % 30'000);  // up to four turns
    timers[i].fire = [&, i] {
      EXPECT_EQ(fired_ms[i], -1);
      fired_ms[i] = now_ms;
    };
    wheel.arm(timers[i], start + milliseconds(due_ms[i]));
  }
  for (; now_ms <= 31'000; now_ms += 1 + static_cast<int64_t>(random() % 5))
    wheel.advance(start + milliseconds(now_ms));
  for (std::size_t i = 0; i < timers.size(); ++i) {
    EXPECT_GE(fired_ms[i], due_ms[i]);
    EXPECT_LE(fired_ms[i], due_ms[i] + 16 + 5);
  }
}

TEST(TimerWheel, WaitNeverOversleepsAndEndsWithTheTimers) {
  const TimePoint start{};
  TimerWheel wheel(start);
  EXPECT_EQ(wheel.wait_ms(start), -1);
  TestTimer timer;
  for (const int64_t due_ms : {1, 100, 5'000, 60'000}) {
    int fired = 0;
    timer.fire = [&] { ++fired; };
    TimerWheel fresh(start);
    fresh.arm(timer, start + milliseconds(due_ms));
    int64_t now_ms = 0;
    int waits = 0;
    for (; fired == 0 && waits < 20; ++waits) {
      const int wait_ms = fresh.wait_ms(start + milliseconds(now_ms));
      ASSERT_GE(wait_ms, 0);
      now_ms += std::max(1, wait_ms);
      fresh.advance(start + milliseconds(now_ms));
    }
    EXPECT_EQ(fired, 1);
    EXPECT_LE(now_ms, due_ms + 16);
    EXPECT_EQ(fresh.wait_ms(start + milliseconds(now_ms)), -1);
  }
}

TEST(TimerWheel, AHandlerMayCancelAndArmAnything) {
  const TimePoint start{};
  TimerWheel wheel(start);
  TestTimer first;
  TestTimer second;
  int firings = 0;
  const auto fire = [&](TestTimer& other) {
    ++firings;
    other.cancel();
  };
  first.fire = [&] {
    fire(second);
    if (firings < 3) wheel.arm(first, start);
  };
  second.fire = [&] { fire(first); };
  wheel.arm(first, start + milliseconds(10));
  wheel.arm(second, start + milliseconds(10));
  for (int ms = 0; ms < 200; ms += 8) wheel.advance(start + milliseconds(ms));
  EXPECT_EQ(firings, 3);
  EXPECT_FALSE(second.armed());
}

TEST(TimerWheel, ATimerThatDiesLeavesTheWheel) {
  const TimePoint start{};
  TimerWheel wheel(start);
  {
    TestTimer timer;
    timer.fire = [] { FAIL(); };
    wheel.arm(timer, start + milliseconds(10));
  }
  wheel.advance(start + milliseconds(100));
}

}  // namespace
}  // namespace headgate::shard
