// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/affinity.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "dataplane/l7/cookie.hpp"
#include "dataplane/l7/hash.hpp"
#include "dataplane/l7/pool_table.hpp"

namespace headgate::l7 {
namespace {

constexpr std::size_t kDigits = 16;

std::string_view same_site_text(contract::SameSite same_site) {
  switch (same_site) {
    case contract::SameSite::kNone:
      return "; SameSite=None";
    case contract::SameSite::kLax:
      return "; SameSite=Lax";
    case contract::SameSite::kStrict:
      break;
  }
  return "; SameSite=Strict";
}

}  // namespace

uint64_t affinity_of(std::string_view pool_uid, std::string_view endpoint_text) {
  return hash_text(endpoint_text, hash_text(pool_uid));
}

std::optional<uint64_t> read_affinity(const Headers& headers, const contract::CookieAffinity& rule) {
  const auto value = find_cookie(headers, rule.name);
  if (!value || value->size() != kDigits) return std::nullopt;
  uint64_t affinity = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + kDigits, affinity, 16);
  if (error != std::errc{} || end != value->data() + kDigits) return std::nullopt;
  return affinity;
}

ForwardChoice find_affine_forward(const RoutePlan& plan, const PoolTable& pools, uint64_t affinity) {
  for (const auto& forward : plan.forwards) {
    const ServingPool* pool = forward.pool ? pools.find(*forward.pool) : nullptr;
    if (pool && pool->find_affine(affinity))
      return {Outcome::kFound, forward.pool.get(), forward.policy.get(), &forward.mirrors};
  }
  return {};
}

std::string_view write_affinity(const contract::CookieAffinity& rule, uint64_t affinity, Arena& arena) {
  std::array<char, kDigits> digits;
  for (std::size_t i = 0; i < kDigits; ++i) digits[i] = "0123456789abcdef"[affinity >> (60 - 4 * i) & 15];
  std::array<char, 20> seconds;
  std::string_view max_age;
  if (rule.ttl) {
    const auto count = std::chrono::duration_cast<std::chrono::seconds>(*rule.ttl).count();
    const auto end = std::to_chars(seconds.data(), seconds.data() + seconds.size(), count).ptr;
    max_age = {seconds.data(), static_cast<std::size_t>(end - seconds.data())};
  }
  return arena.join({rule.name, "=", std::string_view(digits.data(), digits.size()), "; Path=", rule.path,
                     rule.ttl ? "; Max-Age=" : "", max_age, rule.http_only ? "; HttpOnly" : "",
                     rule.secure ? "; Secure" : "", same_site_text(rule.same_site)});
}

}  // namespace headgate::l7
