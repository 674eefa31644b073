// SPDX-License-Identifier: Apache-2.0
// LineMemory<T>: a fixed array of zeroed T in memory of its own, on huge pages where the kernel has them to
// spare (a table of millions of lines on 4 KiB pages misses the TLB with every lookup). Or in a file, where
// what an earlier process has left there is found again. Owned by one object; T is trivial: zero bytes are a
// valid T.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include <sys/mman.h>

namespace headgate::l4 {

enum class Touch : uint8_t {
  kNow,    // all pages are there from the start: the packet path faults none in
  kLater,  // pages that are never touched cost nothing: for what is large and sparse
};

// Room in a file for one LineMemory, which maps it: the descriptor may be closed afterwards.
struct FileRoom {
  int fd = -1;                   // -1: no file
  std::size_t offset_bytes = 0;  // a multiple of kHugePageBytes
};
inline constexpr std::size_t kHugePageBytes = 2u << 20;

template <typename T>
class LineMemory {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // What lies in a file is touched from the start.
  LineMemory(std::size_t count, Touch touch, FileRoom file = {}) : count_(count) {
    // A huge page begins at a multiple of its size: map that much more and begin there.
    void* mapped = ::mmap(nullptr, mapped_bytes(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    mapped_ = mapped;
    std::size_t room_bytes = mapped_bytes();
    void* aligned = std::align(kHugePageBytes, bytes(), mapped, room_bytes);
    if (file.fd >= 0) map_file(aligned, file);
    ::madvise(aligned, bytes(), MADV_HUGEPAGE);  // a hint: refused where there are none
    if (touch == Touch::kNow && file.fd < 0) std::memset(aligned, 0, bytes());
    data_ = static_cast<T*>(aligned);
  }
  ~LineMemory() { ::munmap(mapped_, mapped_bytes()); }
  LineMemory(const LineMemory&) = delete;
  LineMemory& operator=(const LineMemory&) = delete;

  T& operator[](std::size_t index) { return data_[index]; }
  const T& operator[](std::size_t index) const { return data_[index]; }
  std::size_t size() const { return count_; }
  // The room that it takes in a file.
  static constexpr std::size_t bytes_of(std::size_t count) {
    return (count * sizeof(T) + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  }

 private:
  std::size_t bytes() const { return bytes_of(count_); }
  void map_file(void* aligned, const FileRoom& file) {
    const void* mapped =
        ::mmap(aligned, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, file.fd,
               static_cast<off_t>(file.offset_bytes));
    if (mapped != MAP_FAILED) return;
    ::munmap(mapped_, mapped_bytes());
    throw std::bad_alloc();
  }
  std::size_t mapped_bytes() const { return bytes() + kHugePageBytes; }

  std::size_t count_;
  void* mapped_ = nullptr;
  T* data_ = nullptr;
};

}  // namespace headgate::l4
