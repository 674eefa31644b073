// SPDX-License-Identifier: Apache-2.0
// Stream: with TLS on it.
#include <algorithm>
#include <array>
#include <cstring>

#include <sys/socket.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/shard/stream.hpp"

namespace headgate::shard {

void Stream::start_tls(tls::Session session) {
  tls_ = std::move(session);
  tls_.note_socket(readable_, writable_, end_announced_);
}

IoStatus Stream::handshake() {
  const auto result = tls_.handshake();
  if (result.status != tls::Session::Status::kOk) return status_of(result.status, true);
  readable_ = tls_.may_read();
  writable_ = true;
  return IoStatus::kOk;
}

// Either direction of TLS may have to wait for the socket's other one.
IoStatus Stream::status_of(tls::Session::Status status, bool reading) {
  switch (status) {
    case tls::Session::Status::kOk:
      return IoStatus::kOk;
    case tls::Session::Status::kWantsRead:
      (reading ? readable_ : writable_) = false;
      write_wants_read_ = write_wants_read_ || !reading;
      return IoStatus::kWouldBlock;
    case tls::Session::Status::kWantsWrite:
      (reading ? readable_ : writable_) = false;
      read_wants_write_ = read_wants_write_ || reading;
      return IoStatus::kWouldBlock;
    case tls::Session::Status::kEnd:
      return IoStatus::kEnd;
    case tls::Session::Status::kFailed:
      break;
  }
  failed_ = failed_ || reading;
  readable_ = true;
  return IoStatus::kFailed;
}

IoResult Stream::read_tls(std::span<char> room) {
  const auto result = tls_.read(room);
  if (result.status != tls::Session::Status::kOk) return {status_of(result.status, true), 0};
  readable_ = tls_.may_read();
  return {IoStatus::kOk, result.bytes};
}

// A record costs its frame, its authentication and a system call, so small pieces share one: a response's
// head and the beginning of its body. Gathering depends on the pieces alone; so the same bytes go again after
// kWouldBlock.
IoResult Stream::write_tls(std::span<const iovec> pieces) {
  const std::string_view first(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len);
  if (pieces.size() == 1 || first.size() >= limits::kTlsRecordBytes) {
    const auto result = tls_.write(first, pieces.size() > 1);
    return {status_of(result.status, false), result.bytes};
  }
  std::array<char, limits::kTlsRecordBytes> record;
  std::size_t filled_bytes = 0;
  std::size_t total_bytes = 0;
  for (const auto& piece : pieces) {
    total_bytes += piece.iov_len;
    const std::size_t taken_bytes = std::min(piece.iov_len, record.size() - filled_bytes);
    std::memcpy(record.data() + filled_bytes, piece.iov_base, taken_bytes);
    filled_bytes += taken_bytes;
  }
  const auto result = tls_.write({record.data(), filled_bytes}, filled_bytes < total_bytes);
  return {status_of(result.status, false), result.bytes};
}

void Stream::say_end() {
  if (tls_) tls_.close_notify();
}

void Stream::give_up_tls() {
  if (!tls_) return;
  tls_ = {};
  readable_ = true;
}

}  // namespace headgate::shard
