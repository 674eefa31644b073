// SPDX-License-Identifier: Apache-2.0
// HostPattern: a hostname as listeners and routes give it: exact, "*.example.com" (one or more labels before
// it, never itself), or any. Plain values and pure functions.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/core/limits.hpp"
#include "dataplane/l7/hash.hpp"

namespace headgate::l7 {

enum class HostKind : uint8_t { kExact, kWildcard, kAny };  // the more specific first

struct HostPattern {
  HostKind kind = HostKind::kAny;
  std::string name;  // without the "*."; empty of kAny

  // In any case of letters; nullopt where it is no hostname (it then matches nothing).
  static std::optional<HostPattern> parse(std::string_view text);
  bool matches(std::string_view host) const;
  friend auto operator<=>(const HostPattern&, const HostPattern&) = default;
};

// The hashes of a host's suffixes of whole labels, from one pass over it from the right. suffix(1) is the
// last label alone; suffix(labels()) the whole host.
class HostSuffixes {
 public:
  explicit HostSuffixes(std::string_view host);
  std::size_t labels() const { return labels_; }
  uint64_t hash(std::size_t labels) const { return hashes_[labels - 1]; }
  std::string_view text(std::size_t labels) const { return host_.substr(begins_[labels - 1]); }

 private:
  std::string_view host_;
  std::size_t labels_ = 0;
  std::array<uint64_t, limits::kHostnameLabelsMax> hashes_;
  std::array<uint8_t, limits::kHostnameLabelsMax> begins_;
};

}  // namespace headgate::l7
