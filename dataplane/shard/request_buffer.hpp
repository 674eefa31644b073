// SPDX-License-Identifier: Apache-2.0
// RequestBuffer: the whole body of one request, kept until its exchange ends, so that it can be sent with its
// length and sent again. BufferBudget: how much all of one thread may hold. Memory is counted by the block,
// which is what it costs. Thread: one; pool and budget outlive the buffer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/shard/block.hpp"
#include "dataplane/shard/body_piece.hpp"

namespace headgate::shard {

struct BufferBudget {
  uint64_t bytes_max = 0;
  uint64_t held_bytes = 0;
};

class RequestBuffer {
 public:
  RequestBuffer(BlockPool& blocks, BufferBudget& budget) : blocks_(blocks), budget_(budget) {}
  RequestBuffer(const RequestBuffer&) = delete;
  RequestBuffer& operator=(const RequestBuffer&) = delete;
  ~RequestBuffer() { clear(); }

  // Copies. False: the budget is spent, and not all of it was taken.
  [[nodiscard]] bool append(std::string_view data);
  uint64_t bytes() const { return bytes_; }
  void clear();

  // From the first piece to the last, as often as rewind() says; a body without a byte has none.
  void rewind() { next_ = 0; }
  bool at_end() const { return next_ == held_.size(); }
  BodyPiece next();

 private:
  bool add_block(std::size_t wanted_bytes);

  BlockPool& blocks_;
  BufferBudget& budget_;
  std::vector<BlockPtr> held_;
  uint64_t bytes_ = 0;
  uint64_t held_bytes_ = 0;  // of the budget
  std::size_t next_ = 0;
};

}  // namespace headgate::shard
