// SPDX-License-Identifier: Apache-2.0
// LineMemory<T>: a fixed array of zeroed T in memory of its own, on huge pages where the kernel has them to
// spare (a table of millions of lines on 4 KiB pages misses the TLB with every lookup). Pages that are never
// touched cost nothing. Owned by one object; T is trivial: zero bytes are a valid T.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

#include <sys/mman.h>

namespace headgate::l4 {

template <typename T>
class LineMemory {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit LineMemory(std::size_t count) : count_(count) {
    void* memory =
        ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::madvise(memory, bytes(), MADV_HUGEPAGE);  // a hint: refused where there are none
    data_ = static_cast<T*>(memory);
  }
  ~LineMemory() { ::munmap(data_, bytes()); }
  LineMemory(const LineMemory&) = delete;
  LineMemory& operator=(const LineMemory&) = delete;

  T& operator[](std::size_t index) { return data_[index]; }
  const T& operator[](std::size_t index) const { return data_[index]; }
  std::size_t size() const { return count_; }

 private:
  std::size_t bytes() const { return count_ * sizeof(T); }

  std::size_t count_;
  T* data_ = nullptr;
};

}  // namespace headgate::l4
