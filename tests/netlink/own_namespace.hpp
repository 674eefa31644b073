// SPDX-License-Identifier: Apache-2.0
// in_own_namespace: runs a test's body in a network namespace of its own, in a thread of its own, because a
// namespace is a thread's: it is gone with the thread, whatever the test did. Skips without root.
#pragma once

#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

namespace headgate {

inline void in_own_namespace(const std::function<void()>& body) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces";
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    body();
  }).join();
}

}  // namespace headgate
