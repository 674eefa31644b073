// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/pipe.hpp"

#include <csignal>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "dataplane/core/limits.hpp"
#include "tests/support/socket_peer.hpp"

namespace headgate::shard {
namespace {

using testing_support::ListeningPeer;
using testing_support::SocketPeer;

// A stream, and who is on its other side.
struct Side {
  Side() : peer(SocketPeer::connect(listening.port())) {
    auto accepted = listening.accept();
    const int own = ::fcntl(accepted.fd(), F_DUPFD_CLOEXEC, 0);
    ::fcntl(own, F_SETFL, O_NONBLOCK);
    stream.open(UniqueFd(own), true, true);
  }
  ListeningPeer listening;
  SocketPeer peer;
  Stream stream;
};

class PipeTest : public testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }  // as the program does

  // What has been sent is on its way still.
  IoResult fill_when_there(Pipe& pipe, std::size_t bytes_max) {
    IoResult filled{IoStatus::kWouldBlock, 0};
    for (int tries = 0; tries < 1000 && filled.status == IoStatus::kWouldBlock; ++tries) {
      pollfd poll_fd{from_.stream.fd(), POLLIN, 0};
      ::poll(&poll_fd, 1, testing_support::kDeadlineMs);
      from_.stream.note_events(EPOLLIN);
      filled = pipe.fill(from_.stream, bytes_max);
    }
    return filled;
  }

  Side from_;
  Side to_;
  PipePool pool_;
};

TEST_F(PipeTest, CarriesBytesAndNoMoreThanItIsAsked) {
  auto pipe = pool_.take();
  ASSERT_TRUE(pipe);
  from_.peer.send("hello, world");
  EXPECT_EQ(fill_when_there(*pipe, 5).bytes, 5u);
  EXPECT_EQ(pipe->held_bytes(), 5u);
  EXPECT_EQ(pipe->drain(to_.stream).bytes, 5u);
  EXPECT_TRUE(pipe->empty());
  EXPECT_EQ(to_.peer.read_exactly(5), "hello");
  EXPECT_EQ(fill_when_there(*pipe, 100).bytes, 7u);
  EXPECT_EQ(pipe->drain(to_.stream).bytes, 7u);
  EXPECT_EQ(pipe->fill(to_.stream, 100).status, IoStatus::kWouldBlock) << "nobody has sent anything there";
}

TEST_F(PipeTest, SaysThatTheStreamHasEnded) {
  auto pipe = pool_.take();
  from_.peer.send("x");
  EXPECT_EQ(fill_when_there(*pipe, 9).bytes, 1u);
  pipe->drain(to_.stream);
  from_.peer.close();
  EXPECT_EQ(fill_when_there(*pipe, 9).status, IoStatus::kEnd);
}

TEST_F(PipeTest, WhatAFullStreamDoesNotTakeStays) {
  auto pipe = pool_.take();
  const std::string piece(64u << 10, 'x');
  std::size_t through = 0;
  IoResult drained;
  do {
    from_.peer.send(piece);
    const auto filled = fill_when_there(*pipe, piece.size());
    ASSERT_EQ(filled.status, IoStatus::kOk);
    drained = pipe->drain(to_.stream);
    through += drained.bytes;
    ASSERT_LT(through, 64u << 20) << "no socket holds so much";
  } while (drained.status == IoStatus::kOk && pipe->empty());
  EXPECT_EQ(drained.status, IoStatus::kWouldBlock);
  const auto held = pipe->held_bytes();
  EXPECT_GT(held, 0u);
  EXPECT_EQ(to_.peer.read_exactly(through).size(), through);
  to_.stream.note_events(EPOLLOUT);
  EXPECT_EQ(pipe->drain(to_.stream).bytes, held);
}

TEST_F(PipeTest, AStreamThatIsGoneFails) {
  auto pipe = pool_.take();
  to_.peer.reset();
  pollfd poll_fd{to_.stream.fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&poll_fd, 1, testing_support::kDeadlineMs), 1);
  from_.peer.send("x");
  EXPECT_EQ(fill_when_there(*pipe, 9).bytes, 1u);
  EXPECT_EQ(pipe->drain(to_.stream).status, IoStatus::kFailed);
}

TEST_F(PipeTest, AThreadHasSoManyAndWhatIsInOneIsNobodysAfterwards) {
  std::vector<PipePool::Lease> leases;
  for (std::size_t i = 0; i < limits::kPipesMax; ++i) {
    leases.push_back(pool_.take());
    ASSERT_TRUE(leases.back());
  }
  EXPECT_FALSE(pool_.take());
  from_.peer.send("old");
  EXPECT_EQ(fill_when_there(*leases.front(), 9).bytes, 3u);
  leases.clear();
  from_.peer.send("new");
  for (std::size_t i = 0; i < limits::kPipesMax; ++i) {
    leases.push_back(pool_.take());
    ASSERT_TRUE(leases.back() && leases.back()->empty());
  }
  EXPECT_EQ(fill_when_there(*leases.front(), 9).bytes, 3u);
  leases.front()->drain(to_.stream);
  EXPECT_EQ(to_.peer.read_exactly(3), "new");
}

}  // namespace
}  // namespace headgate::shard
