// SPDX-License-Identifier: Apache-2.0
#include "dataplane/crossing/mailbox.hpp"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace headgate::crossing {
namespace {

TEST(Mailbox, IsBounded) {
  Mailbox<int> mailbox(2);
  EXPECT_TRUE(mailbox.post(1));
  EXPECT_TRUE(mailbox.post(2));
  EXPECT_FALSE(mailbox.post(3));
  EXPECT_EQ(mailbox.take(), 1);
  EXPECT_TRUE(mailbox.post(3));
  EXPECT_EQ(mailbox.take(), 2);
  EXPECT_EQ(mailbox.take(), 3);
  EXPECT_EQ(mailbox.take(), std::nullopt);
}

TEST(Mailbox, KeepsOrderAcrossThreads) {
  constexpr int kMessages = 200'000;
  Mailbox<std::unique_ptr<int>> mailbox(64);
  std::thread producer([&] {
    for (int n = 0; n < kMessages; ++n)
      for (auto message = std::make_unique<int>(n); !mailbox.post(std::move(message));)
        std::this_thread::yield();
  });
  for (int n = 0; n < kMessages;) {
    auto message = mailbox.take();
    if (!message) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(**message, n++);
  }
  producer.join();
}

}  // namespace
}  // namespace headgate::crossing
