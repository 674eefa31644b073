// SPDX-License-Identifier: Apache-2.0
// Outbox: up to a few pieces of memory that wait to be written to one stream, in order, in one call. It owns
// no byte: a piece stays where it is (arena, block, literal) until it is gone. Nothing new is read into that
// memory before empty(), which is all of the backpressure. Thread: the exchange's.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/shard/stream.hpp"

namespace headgate::shard {

class Outbox {
 public:
  void add(std::string_view piece) {
    if (piece.empty()) return;
    HG_ASSERT(end_ < pieces_.size());
    pieces_[end_++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  bool empty() const { return begin_ == end_; }
  void clear() { begin_ = end_ = 0; }

  // Writes until all is gone (kOk) or the stream takes no more; `bytes` counts what went.
  IoResult write_to(Stream& stream) {
    IoResult total;
    while (!empty()) {
      const IoResult result = stream.write({pieces_.data() + begin_, end_ - begin_});
      total.status = result.status;
      if (result.status != IoStatus::kOk) return total;
      total.bytes += result.bytes;
      drop(result.bytes);
    }
    clear();
    return total;
  }

 private:
  void drop(std::size_t bytes) {
    while (begin_ != end_ && bytes >= pieces_[begin_].iov_len) bytes -= pieces_[begin_++].iov_len;
    if (begin_ == end_) return;
    pieces_[begin_].iov_base = static_cast<char*>(pieces_[begin_].iov_base) + bytes;
    pieces_[begin_].iov_len -= bytes;
  }

  std::array<iovec, 8> pieces_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace headgate::shard
