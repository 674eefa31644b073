// SPDX-License-Identifier: Apache-2.0
// Stream: a connected, non-blocking TCP socket in an edge-triggered epoll set, and what is known of its
// readiness, so that no system call is made to learn "not yet". Bytes go through here alone, so that TLS
// will be another Stream. Thread: the connection's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/uio.h>

#include "dataplane/core/unique_fd.hpp"

namespace headgate::shard {

enum class IoStatus : uint8_t { kOk, kWouldBlock, kEnd, kFailed };

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;
};

class Stream {
 public:
  void open(UniqueFd socket, bool readable, bool writable);
  void close() { socket_.reset(); }
  int fd() const { return socket_.get(); }
  bool is_open() const { return static_cast<bool>(socket_); }

  void note_events(uint32_t epoll_events);
  bool failed() const { return failed_; }         // reset by the other side, or an error
  bool ending() const { return end_announced_; }  // the other side sends no more; data may still wait
  bool readable() const { return readable_; }
  bool writable() const { return writable_; }

  // Nothing has come that was not read, not even an end: bytes that nobody asked for would be taken for the
  // next exchange's answer.
  bool quiet();
  IoResult read(std::span<char> room);
  IoResult write(std::span<const iovec> pieces);
  void shutdown_write();

 private:
  UniqueFd socket_;
  bool readable_ = false;
  bool writable_ = false;
  bool end_announced_ = false;
  bool failed_ = false;
};

}  // namespace headgate::shard
