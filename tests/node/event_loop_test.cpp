// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/event_loop.hpp"

#include <vector>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace headgate::node {
namespace {

using namespace std::chrono_literals;

UniqueFd ready_fd() { return UniqueFd(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)); }

TEST(EventLoop, TimersComeInTheirOrderAndNotEarly) {
  EventLoop loop;
  std::vector<int> order;
  const auto start = monotonic_now();
  const auto second = loop.after(20ms, [&] { order.push_back(2); });
  const auto first = loop.after(10ms, [&] { order.push_back(1); });
  while (order.size() < 2) loop.turn(1s);
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_GE(monotonic_now() - start, Duration(20ms));
}

TEST(EventLoop, AnEndedTimerNeverComes) {
  EventLoop loop;
  bool called = false;
  {
    const auto timer = loop.after(0ms, [&] { called = true; });
  }
  loop.turn(0ms);
  EXPECT_FALSE(called);
}

TEST(EventLoop, ACallbackMayEndItsOwnWatchAndOthersOfTheSameTurn) {
  EventLoop loop;
  const UniqueFd one = ready_fd(), two = ready_fd();
  unsigned calls = 0;
  EventLoop::Watch first, second;
  const auto end_both = [&](uint32_t) {
    ++calls;
    first.end();
    second.end();
  };
  first = loop.watch(one.get(), EPOLLIN, end_both);
  second = loop.watch(two.get(), EPOLLIN, end_both);
  loop.turn(1s);
  loop.turn(0ms);
  EXPECT_EQ(calls, 1u);
}

TEST(EventLoop, ATimerMayReplaceItself) {
  EventLoop loop;
  unsigned calls = 0;
  EventLoop::Timer timer;
  std::function<void()> again = [&] {
    if (++calls < 3) timer = loop.after(0ms, again);
  };
  timer = loop.after(0ms, again);
  for (int turns = 0; turns < 100 && calls < 3; ++turns) loop.turn(10ms);
  EXPECT_EQ(calls, 3u);
}

TEST(EventLoop, RunsUntilItIsStopped) {
  EventLoop loop;
  const auto timer = loop.after(0ms, [&] { loop.stop(); });
  loop.run();
}

}  // namespace
}  // namespace headgate::node
