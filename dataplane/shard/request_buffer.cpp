// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/request_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace headgate::shard {

// A short body costs a small block; what goes on after one will be long.
bool RequestBuffer::add_block(std::size_t wanted_bytes) {
  const bool small = held_.empty() && wanted_bytes <= limits::kSmallBlockBytes;
  const std::size_t capacity_bytes = small ? limits::kSmallBlockBytes : limits::kLargeBlockBytes;
  if (budget_.held_bytes + capacity_bytes > budget_.bytes_max) return false;
  budget_.held_bytes += capacity_bytes;
  held_bytes_ += capacity_bytes;
  held_.push_back(blocks_.take(capacity_bytes));
  return true;
}

bool RequestBuffer::append(std::string_view data) {
  while (!data.empty()) {
    if ((held_.empty() || held_.back()->room().empty()) && !add_block(data.size())) return false;
    const auto room = held_.back()->room();
    const std::size_t taken_bytes = std::min(room.size(), data.size());
    std::memcpy(room.data(), data.data(), taken_bytes);
    held_.back()->filled_bytes += taken_bytes;
    bytes_ += taken_bytes;
    data.remove_prefix(taken_bytes);
  }
  return true;
}

void RequestBuffer::clear() {
  held_.clear();
  budget_.held_bytes -= held_bytes_;
  bytes_ = held_bytes_ = 0;
  next_ = 0;
}

BodyPiece RequestBuffer::next() {
  const Block& block = *held_[next_++];
  return {.data = block.text_from(0), .end = at_end(), .kept = true};
}

}  // namespace headgate::shard
