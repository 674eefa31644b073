// SPDX-License-Identifier: Apache-2.0
// Stream: a connected, non-blocking TCP socket in an edge-triggered epoll set, plain or with TLS on it, and
// what is known of its readiness, so that no system call is made to learn "not yet". Bytes go through here
// alone; whoever moves them need not know which it is. Plain, TLS costs one test of a pointer. Thread: the
// connection's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/uio.h>

#include "dataplane/core/unique_fd.hpp"
#include "dataplane/tls/session.hpp"

namespace headgate::shard {

enum class IoStatus : uint8_t { kOk, kWouldBlock, kEnd, kFailed };

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;
};

class Stream {
 public:
  void open(UniqueFd socket, bool readable, bool writable);
  void close();
  int fd() const { return socket_.get(); }
  bool is_open() const { return static_cast<bool>(socket_); }

  // From the first byte on; the session is on this stream's fd.
  void start_tls(tls::Session session);
  bool has_tls() const { return static_cast<bool>(tls_); }
  const tls::Session& tls() const { return tls_; }
  tls::Ticket take_ticket() { return tls_.take_ticket(); }
  // Again at every event until it is kOk or kFailed; bytes flow only after kOk.
  IoStatus handshake();

  void note_events(uint32_t epoll_events);
  bool failed() const { return failed_; }         // reset by the other side, or an error
  bool ending() const { return end_announced_; }  // the other side sends no more; data may still wait
  bool readable() const { return readable_; }
  bool writable() const { return writable_; }

  // Nothing has come that was not read, not even an end: bytes that nobody asked for would be taken for the
  // next exchange's answer. What TLS says to itself (tickets) is no such byte.
  bool quiet();
  IoResult read(std::span<char> room);
  // After kWouldBlock: again, with the same bytes in front; a TLS record of them may be half sent.
  IoResult write(std::span<const iovec> pieces);
  // The same, of a plain stream, without a copy: into and out of a pipe, which is empty, or holds that many.
  IoResult read_into_pipe(int pipe, std::size_t bytes_max);
  IoResult write_from_pipe(int pipe, std::size_t bytes);
  // The next writes are the last: they leave together with the FIN, at shutdown_write(), which must follow.
  void hold_for_end() { held_for_end_ = true; }
  void shutdown_write();
  // Says that nothing follows (of TLS; the FIN of a plain stream comes with close()).
  void say_end();
  // What still comes is thrown away unseen: read() gives it as it stands on the wire.
  void give_up_tls();

 private:
  IoResult read_tls(std::span<char> room);
  IoResult write_tls(std::span<const iovec> pieces);
  IoStatus status_of(tls::Session::Status status, bool reading);

  UniqueFd socket_;
  tls::Session tls_;
  bool readable_ = false;
  bool writable_ = false;
  bool end_announced_ = false;
  bool failed_ = false;
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
  bool held_for_end_ = false;
};

}  // namespace headgate::shard
