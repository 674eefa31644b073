// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/writer.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::service {
namespace {

using namespace std::chrono_literals;

TimePoint never(TimePoint now) { return now + 1h; }

TEST(Writer, RunsEveryJobOnOneThreadInTheOrderOfItsPoster) {
  std::vector<int> seen;
  std::set<std::thread::id> threads;
  {
    Writer writer(never);
    for (int i = 0; i < 100; ++i)
      while (!writer.post([&, i] {
        seen.push_back(i);
        threads.insert(std::this_thread::get_id());
      }))
        std::this_thread::yield();
  }
  ASSERT_EQ(seen.size(), 100u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(Writer, RefusesWhatItCannotQueue) {
  std::promise<void> gate;  // before the writer, whose thread may still be in them when this ends
  std::promise<void> running;
  Writer writer(never);
  ASSERT_TRUE(writer.post([&] {
    running.set_value();
    gate.get_future().wait();
  }));
  running.get_future().wait();
  std::size_t taken = 0;
  while (writer.post([] {})) ++taken;
  EXPECT_EQ(taken, limits::kApiExchangesMax);
  gate.set_value();
}

TEST(Writer, WakesWhenItWasAsked) {
  std::promise<void> woke;
  std::atomic<int> wakes{0};
  Writer writer([&](TimePoint now) {
    if (wakes.fetch_add(1) == 1) woke.set_value();
    return now + (wakes.load() < 2 ? 1ms : 3'600'000ms);
  });
  woke.get_future().wait();
  EXPECT_GE(wakes.load(), 2);
}

}  // namespace
}  // namespace headgate::service
