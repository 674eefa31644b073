// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/handshake_queue.hpp"

#include <deque>
#include <vector>

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

class HandshakeQueueTest : public testing::Test {
 protected:
  struct Client final : HandshakePlace {
    Client(HandshakeQueueTest& in_test, int which) : test(in_test), number(which) {}
    void on_handshake_turn() override {
      if (!has_hello) return;
      test.queue_.note_begun();
      test.begun_.push_back(number);
    }
    HandshakeQueueTest& test;
    int number;
    bool has_hello = true;
  };

  // One that comes new, in this turn.
  Client& come(bool has_hello = true) {
    auto& client = clients_.emplace_back(*this, static_cast<int>(clients_.size()));
    client.has_hello = has_hello;
    if (queue_.admits(client)) client.on_handshake_turn();
    return client;
  }
  void turn(unsigned newcomers = 0) {
    loop_->turn([] {},
                [&] {
                  queue_.begin_turn();
                  for (unsigned i = 0; i < newcomers; ++i) come();
                });
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::make();
  HandshakeQueue queue_{*loop_};
  std::vector<int> begun_;
  std::deque<Client> clients_;
};

TEST_F(HandshakeQueueTest, AFewBeginInATurnAndWhoCameFirstIsFirst) {
  constexpr unsigned kShare = limits::kHandshakesPerTurnMax;
  std::vector<int> expected;
  for (unsigned i = 0; i < 3 * kShare; ++i) come();
  for (unsigned i = 0; i < kShare; ++i) expected.push_back(static_cast<int>(i));
  EXPECT_EQ(begun_, expected);
  // More come in each turn than it has room for: nobody overtakes.
  for (unsigned turns = 1; turns <= 5; ++turns) {
    turn(2 * kShare);
    for (unsigned i = 0; i < kShare; ++i) expected.push_back(static_cast<int>(expected.size()));
    EXPECT_EQ(begun_, expected) << turns;
  }
}

TEST_F(HandshakeQueueTest, WhoHasSaidNothingYetTakesNobodysTurn) {
  constexpr unsigned kShare = limits::kHandshakesPerTurnMax;
  for (unsigned i = 0; i < kShare; ++i) come();
  for (unsigned i = 0; i < 10; ++i) come(false);
  const int last = come().number;
  turn();
  EXPECT_EQ(begun_.back(), last);
}

TEST_F(HandshakeQueueTest, WhoLeavesIsNotCalled) {
  constexpr unsigned kShare = limits::kHandshakesPerTurnMax;
  for (unsigned i = 0; i < kShare; ++i) come();
  Client& leaves = come();
  Client& waits = come();
  EXPECT_FALSE(queue_.admits(waits));  // still
  leaves.leave();
  turn();
  EXPECT_EQ(begun_.size(), kShare + 1);
  EXPECT_EQ(begun_.back(), waits.number);
}

}  // namespace
}  // namespace headgate::shard
