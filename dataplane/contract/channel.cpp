// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::contract {
namespace {

// length, then how many fds belong to the frame: a receiver cannot otherwise tell which frame they came with,
// because the kernel may join two frames' bytes in one read.
struct [[gnu::packed]] FrameHeader {
  Be32 length_bytes;
  Be16 fd_count;
};
static_assert(sizeof(FrameHeader) == 6);

constexpr std::size_t kReadBytes = 64u << 10;

}  // namespace

Channel::Channel(UniqueFd socket) : socket_(std::move(socket)) {
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

Result<void> Channel::send(const Message& message, const std::vector<int>& fds) {
  if (fds.size() > limits::kFdsPerMessageMax)
    return Error{ErrorCode::kExhausted, "too many file descriptors in one message"};
  Outgoing out;
  const auto body = encode(message);
  if (body.size() > limits::kFrameBytesMax) return Error{ErrorCode::kExhausted, "a message over the limit"};
  const FrameHeader header{Be32(static_cast<uint32_t>(body.size())), Be16(static_cast<uint16_t>(fds.size()))};
  out.bytes.assign(reinterpret_cast<const char*>(&header), sizeof header);
  out.bytes += body;
  for (const int fd : fds) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) return system_error(errno, "duplicating a file descriptor to pass on");
    out.fds.push_back(std::move(copy));
  }
  if (outbox_bytes_ + out.bytes.size() > limits::kChannelBacklogBytesMax)
    return Error{ErrorCode::kExhausted, "the other side reads too slowly"};
  outbox_bytes_ += out.bytes.size();
  outbox_.push_back(std::move(out));
  return flush();
}

Result<void> Channel::flush() {
  while (!outbox_.empty()) {
    Outgoing& out = outbox_.front();
    // More fds than one call carries go with the frame's first bytes, one byte a call.
    const std::size_t fds_now = std::min(out.fds.size(), limits::kFdsPerSendMax);
    const bool more_fds = fds_now < out.fds.size();
    iovec piece{out.bytes.data() + out.sent_bytes, more_fds ? 1 : out.bytes.size() - out.sent_bytes};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(limits::kFdsPerSendMax * sizeof(int))> control{};
    if (!out.fds.empty()) {
      const std::size_t fds_bytes = fds_now * sizeof(int);
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(fds_bytes);
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(fds_bytes);
      for (std::size_t i = 0; i < fds_now; ++i) {
        const int fd = out.fds[i].get();
        std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof fd);
      }
    }
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
      return system_error(errno, "sending to the other process");
    }
    out.fds.erase(out.fds.begin(), out.fds.begin() + static_cast<std::ptrdiff_t>(fds_now));
    out.sent_bytes += static_cast<std::size_t>(sent);
    if (out.sent_bytes < out.bytes.size()) continue;
    outbox_bytes_ -= out.bytes.size();
    outbox_.pop_front();
  }
  return {};
}

Result<std::optional<Received>> Channel::receive() {
  for (;;) {
    if (inbox_.size() >= sizeof(FrameHeader)) {
      FrameHeader header;
      std::memcpy(&header, inbox_.data(), sizeof header);
      const std::size_t length_bytes = header.length_bytes.host();
      const std::size_t fd_count = header.fd_count.host();
      if (length_bytes > limits::kFrameBytesMax || fd_count > limits::kFdsPerMessageMax)
        return Error{ErrorCode::kInvalid, "the other process sent a frame over the limit"};
      if (inbox_.size() >= sizeof header + length_bytes) {
        if (inbox_fds_.size() < fd_count)
          return Error{ErrorCode::kExhausted, "file descriptors got lost on the way: raise RLIMIT_NOFILE"};
        auto message = decode_message({inbox_.data() + sizeof header, length_bytes});
        if (!message.ok()) return std::move(message).error();
        Received received{std::move(*message), {}};
        const auto fds_end = inbox_fds_.begin() + static_cast<std::ptrdiff_t>(fd_count);
        received.fds.assign(std::move_iterator(inbox_fds_.begin()), std::move_iterator(fds_end));
        inbox_fds_.erase(inbox_fds_.begin(), fds_end);
        inbox_.erase(0, sizeof header + length_bytes);
        // A whole configuration is long, and hardly anything that comes after it.
        if (inbox_.size() <= kReadBytes && inbox_.capacity() > 4 * kReadBytes) inbox_.shrink_to_fit();
        return std::optional<Received>(std::move(received));
      }
    }
    auto more = read_more();
    if (!more.ok()) return std::move(more).error();
    if (!*more) return std::optional<Received>{};
  }
}

Result<bool> Channel::read_more() {
  const std::size_t before_bytes = inbox_.size();
  inbox_.resize(before_bytes + kReadBytes);
  iovec piece{inbox_.data() + before_bytes, kReadBytes};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(limits::kFdsPerSendMax * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const int receive_errno = errno;
  inbox_.resize(before_bytes + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0) {
    if (receive_errno == EAGAIN || receive_errno == EWOULDBLOCK) return false;
    return system_error(receive_errno, "receiving from the other process");
  }
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      inbox_fds_.emplace_back(fd);
    }
  }
  if (inbox_fds_.size() > 2 * limits::kFdsPerMessageMax)
    return Error{ErrorCode::kInvalid, "the other process sent file descriptors without messages"};
  if (got == 0) return Error{ErrorCode::kUnavailable, "the other process has closed the connection"};
  return true;
}

Result<std::pair<UniqueFd, UniqueFd>> channel_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return system_error(errno, "making a socket pair");
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

}  // namespace headgate::contract
