// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/pressure.hpp"

#include <string_view>

#include <sys/random.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/l7/hash.hpp"

namespace headgate::shard {

Pressure::Pressure() { HG_ASSERT(::getrandom(&secret_, sizeof secret_, 0) == sizeof secret_); }

uint64_t Pressure::source_of(const IpAddress& address) const {
  constexpr std::size_t kIpv6SourceBytes = 8;
  const std::size_t size_bytes = address.is_v6() ? kIpv6SourceBytes : address.size_bytes();
  return l7::hash_text({reinterpret_cast<const char*>(address.bytes().data()), size_bytes}, secret_);
}

}  // namespace headgate::shard
