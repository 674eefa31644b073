// SPDX-License-Identifier: Apache-2.0
// Arena: memory for what lives exactly as long as one exchange; handed out by moving a pointer, given back
// all at once by reset(). The first chunk stays for the next exchange, so a steady state never allocates;
// what overflows it is freed by reset(). Thread: one. Every view into it dies at reset(): never store one
// beyond.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace headgate {

class Arena {
 public:
  static constexpr std::size_t kChunkBytes = 4096;

  Arena() : first_(std::make_unique_for_overwrite<char[]>(kChunkBytes)) { reset(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Unaligned bytes, not initialised. Bounded by what the caller may ask for (header_bytes_max and the like).
  char* allocate(std::size_t length_bytes) {
    if (static_cast<std::size_t>(end_ - next_) < length_bytes) grow(length_bytes);
    char* bytes = next_;
    next_ += length_bytes;
    return bytes;
  }

  // Gives back the tail of the last allocation, where less was used than asked for.
  void shrink_last(char* used_end) { next_ = used_end; }

  std::string_view copy(std::string_view text) { return join({text}); }

  std::string_view join(std::initializer_list<std::string_view> parts) {
    std::size_t length_bytes = 0;
    for (const auto& part : parts) length_bytes += part.size();
    char* const begin = allocate(length_bytes);
    char* at = begin;
    for (const auto& part : parts) {
      if (!part.empty()) std::memcpy(at, part.data(), part.size());
      at += part.size();
    }
    return {begin, length_bytes};
  }

  void reset() {
    overflow_.clear();
    next_ = first_.get();
    end_ = next_ + kChunkBytes;
  }

 private:
  void grow(std::size_t length_bytes) {
    const std::size_t chunk_bytes = length_bytes > kChunkBytes ? length_bytes : kChunkBytes;
    overflow_.push_back(std::make_unique_for_overwrite<char[]>(chunk_bytes));
    next_ = overflow_.back().get();
    end_ = next_ + chunk_bytes;
  }

  std::unique_ptr<char[]> first_;
  std::vector<std::unique_ptr<char[]>> overflow_;
  char* next_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace headgate
