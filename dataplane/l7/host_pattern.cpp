// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/host_pattern.hpp"

#include "dataplane/core/ascii.hpp"
#include "dataplane/l7/authority.hpp"

namespace headgate::l7 {

std::optional<HostPattern> HostPattern::parse(std::string_view text) {
  if (text.empty()) return HostPattern{};
  HostPattern pattern{HostKind::kExact, ascii::lowered(text)};
  if (text.starts_with("*.")) pattern = {HostKind::kWildcard, ascii::lowered(text.substr(2))};
  if (!is_normal_host(pattern.name)) return std::nullopt;
  return pattern;
}

bool HostPattern::matches(std::string_view host) const {
  switch (kind) {
    case HostKind::kAny:
      return true;
    case HostKind::kExact:
      return host == name;
    case HostKind::kWildcard:
      break;
  }
  return host.size() > name.size() + 1 && host.ends_with(name) && host[host.size() - name.size() - 1] == '.';
}

HostSuffixes::HostSuffixes(std::string_view host) : host_(host) {
  uint64_t chain = 0;
  for (std::size_t end = host.size(); labels_ < limits::kHostnameLabelsMax;) {
    const auto dot = end == 0 ? std::string_view::npos : host.rfind('.', end - 1);
    const std::size_t begin = dot == std::string_view::npos ? 0 : dot + 1;
    chain = hash_text(host.substr(begin, end - begin), chain);
    hashes_[labels_] = chain;
    begins_[labels_++] = static_cast<uint8_t>(begin);
    if (begin == 0) return;
    end = begin - 1;
  }
}

}  // namespace headgate::l7
