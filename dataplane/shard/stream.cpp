// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/stream.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace headgate::shard {

void Stream::open(UniqueFd socket, bool readable, bool writable) {
  socket_ = std::move(socket);
  readable_ = readable;
  writable_ = writable;
  end_announced_ = failed_ = read_wants_write_ = write_wants_read_ = held_for_end_ = false;
}

void Stream::close() {
  tls_ = {};
  socket_.reset();
}

void Stream::note_events(uint32_t epoll_events) {
  if (epoll_events & (EPOLLIN | EPOLLRDHUP)) readable_ = true;
  if (epoll_events & EPOLLOUT) writable_ = true;
  if (epoll_events & EPOLLRDHUP) end_announced_ = true;
  if (epoll_events & EPOLLERR) failed_ = readable_ = writable_ = true;
  // HUP without ERR: both sides have ended; what was received is still to be read.
  if (epoll_events & EPOLLHUP) readable_ = writable_ = end_announced_ = true;
  if (!tls_) return;
  const bool in = epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP);
  const bool out = epoll_events & (EPOLLOUT | EPOLLERR | EPOLLHUP);
  tls_.note_socket(in, out, end_announced_);
  if (out && read_wants_write_) readable_ = true;
  if (in && write_wants_read_) writable_ = true;
  if (out) read_wants_write_ = false;
  if (in) write_wants_read_ = false;
}

bool Stream::quiet() {
  if (end_announced_ || failed_) return false;
  if (!readable_) return true;
  char unasked = 0;
  return read({&unasked, 1}).status == IoStatus::kWouldBlock;
}

IoResult Stream::read(std::span<char> room) {
  if (!readable_) return {IoStatus::kWouldBlock, 0};
  if (tls_) return read_tls(room);
  ssize_t got = 0;
  do {
    got = ::recv(socket_.get(), room.data(), room.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    // A short read means the queue is empty: the next byte is a new edge (epoll(7)). Only an end that was
    // announced already has no edge of its own any more.
    if (static_cast<std::size_t>(got) < room.size() && !end_announced_) readable_ = false;
    return {IoStatus::kOk, static_cast<std::size_t>(got)};
  }
  if (got == 0) return {IoStatus::kEnd, 0};
  if (errno != EAGAIN) {
    failed_ = true;
    return {IoStatus::kFailed, 0};
  }
  readable_ = false;
  return {IoStatus::kWouldBlock, 0};
}

IoResult Stream::write(std::span<const iovec> pieces) {
  if (!writable_) return {IoStatus::kWouldBlock, 0};
  if (tls_) return write_tls(pieces);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  const int flags = MSG_NOSIGNAL | (held_for_end_ ? MSG_MORE : 0);
  ssize_t sent = 0;
  do {
    sent = pieces.size() == 1 ? ::send(socket_.get(), pieces[0].iov_base, pieces[0].iov_len, flags)
                              : ::sendmsg(socket_.get(), &message, flags);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    // A short write need not mean that the buffer is full; the next one tells.
    return {IoStatus::kOk, static_cast<std::size_t>(sent)};
  }
  if (errno != EAGAIN) {
    readable_ = true;  // what came before the reset can still be read
    return {IoStatus::kFailed, 0};
  }
  writable_ = false;
  return {IoStatus::kWouldBlock, 0};
}

// A short one says nothing of the queue: the pipe counts pages, and one may be as good as empty.
IoResult Stream::read_into_pipe(int pipe, std::size_t bytes_max) {
  if (!readable_) return {IoStatus::kWouldBlock, 0};
  ssize_t got = 0;
  do {
    got = ::splice(socket_.get(), nullptr, pipe, nullptr, bytes_max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return {IoStatus::kOk, static_cast<std::size_t>(got)};
  if (got == 0) return {IoStatus::kEnd, 0};
  if (errno != EAGAIN) {
    failed_ = true;
    return {IoStatus::kFailed, 0};
  }
  readable_ = false;
  return {IoStatus::kWouldBlock, 0};
}

IoResult Stream::write_from_pipe(int pipe, std::size_t bytes) {
  if (!writable_) return {IoStatus::kWouldBlock, 0};
  const unsigned flags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE | (held_for_end_ ? SPLICE_F_MORE : 0);
  ssize_t sent = 0;
  do {
    sent = ::splice(pipe, nullptr, socket_.get(), nullptr, bytes, flags);
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) return {IoStatus::kOk, static_cast<std::size_t>(sent)};
  if (sent == 0 || errno != EAGAIN) {
    readable_ = true;  // what came before the reset can still be read
    return {IoStatus::kFailed, 0};
  }
  writable_ = false;
  return {IoStatus::kWouldBlock, 0};
}

void Stream::shutdown_write() {
  say_end();
  ::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace headgate::shard
