// SPDX-License-Identifier: Apache-2.0
// BurstArray<T>: room for one T a packet of a burst, on the stack and not initialised: of kBurstMax places as
// many are written as there are packets. emplace() builds in place what the function returns; copying it
// there would read back whole what was just stored by parts. Lives as long as the burst. Thread: the
// worker's.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

#include "dataplane/core/limits.hpp"

namespace headgate::l4 {

template <typename T>
class BurstArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // Not `= default`: that would be zeroed by BurstArray<T>{}.
  BurstArray() {}  // NOLINT(modernize-use-equals-default)

  template <typename Make>
  T& emplace(std::size_t index, Make make) {
    return *new (&places_[index].value) T(make());
  }
  const T& operator[](std::size_t index) const { return places_[index].value; }

 private:
  union Place {
    Place() {}  // NOLINT(modernize-use-equals-default)
    T value;
  };
  Place places_[limits::kBurstMax];
};

}  // namespace headgate::l4
