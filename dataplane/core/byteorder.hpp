// SPDX-License-Identifier: Apache-2.0
// BigEndian<T>: an integer in network order, at any alignment. No implicit conversion in either direction:
// `header.port == 80` must not compile, because the reader cannot tell which byte order was meant.
#pragma once

#include <bit>
#include <cstdint>

namespace headgate {

template <typename T>
class [[gnu::packed]] BigEndian {  // packed: headers start at any byte of a frame
 public:
  BigEndian() = default;
  explicit constexpr BigEndian(T host) : raw_(swap(host)) {}
  constexpr T host() const { return swap(raw_); }
  // The bytes as they lie in memory, for checksums, which are the same in either order (RFC 1071 section 2).
  constexpr T raw() const { return raw_; }
  static constexpr BigEndian from_raw(T raw) {
    BigEndian value;
    value.raw_ = raw;
    return value;
  }
  friend constexpr bool operator==(BigEndian, BigEndian) = default;

 private:
  static constexpr T swap(T value) {
    if constexpr (std::endian::native == std::endian::big)
      return value;
    else if constexpr (sizeof(T) == 2)
      return __builtin_bswap16(value);
    else if constexpr (sizeof(T) == 4)
      return __builtin_bswap32(value);
    else
      return __builtin_bswap64(value);
  }
  T raw_;
};
using Be16 = BigEndian<uint16_t>;
using Be32 = BigEndian<uint32_t>;
using Be64 = BigEndian<uint64_t>;

}  // namespace headgate
