// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/parse_upstream.hpp"

#include <algorithm>
#include <charconv>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "mgmt/compile/field_rules.hpp"

namespace headgate::compile {
namespace {

constexpr uint64_t kCountMax = 1'000'000;
constexpr Bounds kConnectMs{1, kHourMs};
constexpr Bounds kIdleMs{1, 24 * kHourMs};

// What a Path attribute may hold (RFC 6265 section 4.1.1).
bool is_cookie_path(std::string_view text) {
  return text.starts_with('/') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

void read_hash(Fields& fields, contract::HashKey& into) {
  using contract::HashSource;
  fields.read_enum("source", into.source);
  fields.read("name", into.name);
  const bool has_name = into.source != HashSource::kSourceAddress && into.source != HashSource::kPath;
  if (has_name && into.name.empty())
    fields.fault("name", "missing_field", "the name of the header, cookie or parameter is needed");
  if (!has_name && !into.name.empty())
    fields.fault("name", "invalid_value", "a source address and a path have no name");
  if (into.source == HashSource::kHeader) into.name = ascii::lowered(into.name);
  const bool is_token_kind = into.source == HashSource::kHeader || into.source == HashSource::kCookie;
  if (is_token_kind && !into.name.empty() && !is_token(into.name))
    fields.fault("name", "invalid_value", "must be the name of a header or cookie");
  if (const auto fault = fault_of_routed_name(into.name);
      into.source == HashSource::kHeader && !fault.empty())
    fields.pointless("name", "not_allowed", std::string(fault));
}

contract::Outlier read_outlier(Fields& fields) {
  contract::Outlier outlier;
  fields.read_integer("consecutive_5xx", {0, kCountMax}, outlier.consecutive_5xx);
  fields.read_integer("consecutive_gateway_failures", {0, kCountMax}, outlier.consecutive_gateway_failures);
  fields.read_integer("consecutive_connect_failures", {0, kCountMax}, outlier.consecutive_connect_failures);
  fields.read_duration("base_ejection_time", {100, kHourMs}, outlier.base_ejection_time);
  fields.read_duration("ejection_time_max", {100, 24 * kHourMs}, outlier.ejection_time_max);
  fields.read_integer("ejected_percent_max", {0, 100}, outlier.ejected_percent_max);
  if (outlier.ejection_time_max < outlier.base_ejection_time)
    fields.fault("ejection_time_max", "out_of_range", "can't be shorter than base_ejection_time");
  return outlier;
}

void read_breaker(Fields& fields, contract::CircuitBreaker& breaker) {
  fields.read_integer("connections_max", {0, kCountMax}, breaker.connections_max);
  fields.read_integer("pending_max", {1, kCountMax}, breaker.pending_max);
  fields.read_integer("requests_max", {0, kCountMax}, breaker.requests_max);
  fields.read_integer("requests_per_connection_max", {0, kCountMax}, breaker.requests_per_connection_max);
  fields.read_duration("pending_timeout", {1, kHourMs}, breaker.pending_timeout);
}

// "connect_failure", "5xx", "503" or "500-504".
bool read_cause(const std::string& text, contract::Retry& retry) {
  if (const auto cause = contract::parse_enum<contract::RetryOn>(text)) {
    if (std::find(retry.on.begin(), retry.on.end(), *cause) == retry.on.end()) retry.on.push_back(*cause);
    return true;
  }
  const auto range = text == "5xx" ? contract::StatusRange{.first = 500, .last = 599}
                                   : parse_status_range(text).value_or(contract::StatusRange{0, 0});
  if (range.first < 400) return false;
  if (std::find(retry.statuses.begin(), retry.statuses.end(), range) == retry.statuses.end())
    retry.statuses.push_back(range);
  return true;
}

}  // namespace

std::optional<contract::StatusRange> parse_status_range(std::string_view text) {
  const auto number = [](std::string_view digits) -> uint16_t {
    uint16_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return digits.size() == 3 && error == std::errc{} && end == digits.data() + digits.size() ? value : 0;
  };
  const auto dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
  if (first < 100 || last > 599 || first > last) return std::nullopt;
  return contract::StatusRange{.first = first, .last = last};
}

void read_balancing(Fields& fields, Pool& pool) {
  fields.read_enum("algorithm", pool.algorithm);
  fields.object("hash", [&](Fields& hash) { read_hash(hash, pool.hash); });
  const bool maglev = pool.algorithm == contract::Algorithm::kMaglev;
  if (fields.has("hash") && !maglev)
    fields.fault("hash", "unsupported", "only the algorithm maglev hashes a key");
  fields.read_duration("slow_start", {1, kHourMs}, pool.slow_start);
  if (pool.slow_start && maglev)
    fields.fault("slow_start", "unsupported", "with maglev a key would move twice: once there, once back");
  fields.read_duration("drain_timeout", {1, 24 * kHourMs}, pool.drain_timeout);
  fields.read_integer("failover_percent", {0, 100}, pool.failover_percent);
}

void read_pool_limits(Fields& fields, Pool& pool) {
  fields.object("outlier", [&](Fields& outlier) { pool.outlier = read_outlier(outlier); });
  fields.object("circuit_breaker", [&](Fields& breaker) { read_breaker(breaker, pool.circuit_breaker); });
  fields.object("retry_budget", [&](Fields& budget) {
    budget.read_integer("percent", {0, 100}, pool.retry_budget.percent);
    budget.read_integer("retries_min", {0, kCountMax}, pool.retry_budget.retries_min);
  });
  fields.read_duration("connect_timeout", kConnectMs, pool.connect_timeout);
  fields.read_duration("idle_timeout", kIdleMs, pool.idle_timeout);
}

contract::Retry read_retry(Fields& fields) {
  using contract::RetryOn;
  contract::Retry retry;
  fields.read_integer("attempts", {1, limits::kRetryAttemptsMax}, retry.attempts);
  if (!fields.has("on")) {
    retry.on = {RetryOn::kConnectFailure, RetryOn::kReset, RetryOn::kRefusedStream};
    retry.statuses.push_back({.first = 502, .last = 504});
  }
  fields.each_string("on", [&](const std::string& text, const std::string& pointer) {
    if (!read_cause(text, retry))
      fields.faults().add(
          pointer, "invalid_value",
          "must be connect_failure, reset, refused_stream, timeout, \"5xx\", or statuses from "
          "400 on, such as \"503\" or \"500-504\"");
  });
  fields.object("backoff", [&](Fields& backoff) {
    backoff.read_duration("base", {1, 60'000}, retry.backoff_base);
    backoff.read_duration("max", {1, 600'000}, retry.backoff_max);
    if (!backoff.has("max")) retry.backoff_max = std::max(retry.backoff_max, retry.backoff_base);
    if (retry.backoff_max < retry.backoff_base)
      backoff.fault("max", "out_of_range", "can't be shorter than base");
  });
  return retry;
}

contract::CookieAffinity read_affinity(Fields& fields) {
  contract::CookieAffinity affinity;
  fields.require("cookie");
  fields.object("cookie", [&](Fields& cookie) {
    cookie.read("name", affinity.name);
    if (!is_token(affinity.name)) cookie.fault("name", "invalid_value", "must be a cookie's name");
    cookie.read("path", affinity.path);
    if (!is_cookie_path(affinity.path))
      cookie.fault("path", "invalid_value", "must begin with / and hold no semicolon");
    cookie.read_duration("ttl", {1'000, 366 * 24 * kHourMs}, affinity.ttl);
    cookie.read_enum("same_site", affinity.same_site);
    cookie.read("http_only", affinity.http_only);
    cookie.read("secure", affinity.secure);
    if (affinity.same_site == contract::SameSite::kNone && !affinity.secure)
      cookie.fault("same_site", "invalid_value", "browsers refuse none without secure");
  });
  return affinity;
}

}  // namespace headgate::compile
