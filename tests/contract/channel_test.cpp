// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/channel.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/limits.hpp"

namespace headgate::contract {
namespace {

class ChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto ends = channel_pair();
    ASSERT_TRUE(ends.ok());
    raw_fd_ = ends->first.get();
    left_.emplace(std::move(ends->first));
    right_.emplace(std::move(ends->second));
  }
  int raw_fd_ = -1;
  std::optional<Channel> left_, right_;
};

TEST_F(ChannelTest, NothingYetIsNoError) {
  auto received = right_->receive();
  ASSERT_TRUE(received.ok());
  EXPECT_FALSE(received->has_value());
}

TEST_F(ChannelTest, FdsArriveWithTheirOwnMessage) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const UniqueFd read_end(pipe_fds[0]);
  UniqueFd write_end(pipe_fds[1]);
  ASSERT_TRUE(left_->send(Hello{}).ok());
  ASSERT_TRUE(left_->send(SocketSet{}, {write_end.get()}).ok());
  ASSERT_TRUE(left_->send(Stop{}).ok());
  write_end.reset();
  EXPECT_TRUE((*right_->receive())->fds.empty());
  auto with_fd = std::move(*right_->receive());
  ASSERT_EQ(with_fd->fds.size(), 1u);
  EXPECT_EQ(::write(with_fd->fds[0].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 1);
  EXPECT_TRUE((*right_->receive())->fds.empty());
}

TEST_F(ChannelTest, MoreFdsThanOneCallCarriesArriveTogetherAndInOrder) {
  std::vector<UniqueFd> pipes;
  std::vector<int> fds;
  SocketSet set;
  for (std::size_t i = 0; i < 2 * limits::kFdsPerSendMax + 1; ++i) {
    int pipe_fds[2];
    ASSERT_EQ(::pipe(pipe_fds), 0);
    pipes.emplace_back(pipe_fds[0]);
    pipes.emplace_back(pipe_fds[1]);
    fds.push_back(pipe_fds[1]);
    set.sockets.push_back({});
  }
  ASSERT_TRUE(left_->send(set, fds).ok());
  ASSERT_TRUE(left_->send(Stop{}).ok());
  auto received = std::move(*right_->receive());
  ASSERT_TRUE(received.has_value());
  ASSERT_EQ(received->fds.size(), fds.size());
  struct stat sent {
  }, got{};
  for (std::size_t i = 0; i < fds.size(); ++i) {
    ASSERT_EQ(::fstat(fds[i], &sent), 0);
    ASSERT_EQ(::fstat(received->fds[i].get(), &got), 0);
    ASSERT_EQ(sent.st_ino, got.st_ino) << i;
  }
  EXPECT_TRUE((*right_->receive())->fds.empty());
}

TEST_F(ChannelTest, AMessageLargerThanTheSocketBufferArrivesWhole) {
  const Command large{.id = "c", .verb = "explain", .body = std::string(8u << 20, 'x')};
  ASSERT_TRUE(left_->send(large).ok());
  EXPECT_TRUE(left_->wants_write());
  std::optional<Received> received;
  while (!received) {
    ASSERT_TRUE(left_->flush().ok());
    auto next = right_->receive();
    ASSERT_TRUE(next.ok()) << next.error().message;
    received = std::move(*next);
  }
  EXPECT_EQ(std::get<Command>(received->message).body.size(), large.body.size());
}

TEST_F(ChannelTest, AFrameOverTheLimitIsRefusedBeforeItIsRead) {
  const unsigned char header[6] = {0xff, 0xff, 0xff, 0xff, 0, 0};
  ASSERT_EQ(::send(raw_fd_, header, sizeof header, 0), 6);
  EXPECT_EQ(right_->receive().error().code, ErrorCode::kInvalid);
}

TEST_F(ChannelTest, AClosedPeerIsSaidSo) {
  ASSERT_TRUE(left_->send(Stop{}).ok());
  left_.reset();
  EXPECT_TRUE((*right_->receive()).has_value());
  EXPECT_EQ(right_->receive().error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace headgate::contract
