// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/policy.hpp"

#include <array>
#include <charconv>

#include "dataplane/l7/hash.hpp"
#include "dataplane/l7/path.hpp"
#include "dataplane/l7/policy/ip_access.hpp"
#include "dataplane/l7/policy/path_edit.hpp"
#include "dataplane/l7/policy/redirect.hpp"

namespace headgate::l7::policy {
namespace {

using std::chrono::nanoseconds;

// An IPv6 network is one client's, whatever addresses it takes in it (RFC 6177).
constexpr std::size_t kIpv6NetworkBytes = 8;

uint64_t rate_key(const contract::RateLimit& limit, const RequestFacts& facts, const RequestHead& request) {
  const auto& client = facts.forwarded.client;
  switch (limit.key) {
    case contract::RateKey::kAll:
      break;
    case contract::RateKey::kClient:
      return hash_text({reinterpret_cast<const char*>(client.bytes().data()),
                        client.is_v6() ? kIpv6NetworkBytes : client.size_bytes()});
    case contract::RateKey::kHeader:
      if (const auto* field = request.headers.find(limit.header)) return hash_text(field->value);
      break;
  }
  return 1;
}

std::string_view whole_seconds(nanoseconds wait, Arena& arena) {
  constexpr std::size_t kDigitsMax = 20;
  char* const begin = arena.allocate(kDigitsMax);
  char* const end =
      std::to_chars(begin, begin + kDigitsMax, std::chrono::ceil<std::chrono::seconds>(wait).count()).ptr;
  arena.shrink_last(end);
  return {begin, static_cast<std::size_t>(end - begin)};
}

RequestVerdict refuse(Filter filter, uint16_t status, std::string_view text, ResponseHead& answer) {
  answer.status = status;
  answer.headers.add(HeaderId::kContentType, "text/plain; charset=utf-8");
  return {filter, text};
}

RequestVerdict respond(const contract::DirectResponse& direct, ResponseHead& answer) {
  answer.status = direct.status;
  bool has_type = false;
  for (const auto& [name, value] : direct.headers) {
    if (!may_edit(name)) continue;
    const auto id = header_id(name);
    has_type = has_type || id == HeaderId::kContentType;
    answer.headers.add({name, value, id});
  }
  if (!has_type && !direct.body.empty())
    answer.headers.add(HeaderId::kContentType, "text/plain; charset=utf-8");
  return {Filter::kDirectResponse, direct.body};
}

// False where what it makes is no path.
bool rewrite(const contract::Rewrite& rewrite, const RequestFacts& facts, RequestHead& request,
             Arena& arena) {
  if (!rewrite.hostname.empty()) {
    request.host = rewrite.hostname;
    request.port.reset();
  }
  if (!rewrite.path) return true;
  // What the listener keeps or refuses of %2F was asked when the request came.
  const auto normal = normalise_path(edited_path(*rewrite.path, request.path, facts.matched_path, arena),
                                     EscapedSlash::kKeep, arena);
  if (normal.ok()) request.path = normal.path;
  return normal.ok();
}

}  // namespace

Policy::Compiled::Compiled(const contract::Filters& filters)
    : request_headers(filters.request_headers.value_or(contract::HeaderEdit{})),
      response_headers(filters.response_headers.value_or(contract::HeaderEdit{})) {
  if (filters.cors) cors.emplace(*filters.cors);
}

Policy::Policy(contract::Boxed<contract::Filters> filters, const Policy* before)
    : filters_(std::move(filters)) {
  const auto& limit = filters_->rate_limit;
  if (!filters_->request_headers && !filters_->response_headers && !filters_->cors && !limit) return;
  auto compiled = std::make_shared<Compiled>(*filters_);
  if (limit) {
    const bool same = before && !before->empty() && before->filters_->rate_limit == limit;
    compiled->rate_limiter = same ? before->compiled_->rate_limiter : std::make_shared<RateLimiter>(*limit);
  }
  compiled_ = std::move(compiled);
}

std::string_view name_of(Filter filter) {
  static constexpr std::array<std::string_view, 7> kNames{"none",     "ip_access",       "rate_limit", "cors",
                                                          "redirect", "direct_response", "rewrite"};
  static_assert(kNames.size() == static_cast<std::size_t>(Filter::kRewrite) + 1);
  return kNames[static_cast<std::size_t>(filter)];
}

RequestVerdict guard(const Policy& policy, Blocks counting, const RequestFacts& facts, RequestHead& request,
                     ResponseHead& answer, Arena& arena) {
  const auto& filters = *policy.filters();
  if (filters.ip_access && counting.has(PolicyBlock::kIpAccess) &&
      !may_enter(*filters.ip_access, facts.forwarded.client))
    return refuse(Filter::kIpAccess, 403, "Forbidden: ip_access\n", answer);
  if (filters.rate_limit && counting.has(PolicyBlock::kRateLimit)) {
    const auto wait = policy.rate_limiter()->take(rate_key(*filters.rate_limit, facts, request), facts.now);
    if (wait > nanoseconds(0)) {
      answer.headers.add({"retry-after", whole_seconds(wait, arena), HeaderId::kOther});
      return refuse(Filter::kRateLimit, 429, "Too Many Requests: rate_limit\n", answer);
    }
  }
  if (policy.cors() && counting.has(PolicyBlock::kCors) && Cors::is_preflight(request)) {
    policy.cors()->answer_preflight(request, answer);
    return {Filter::kCors, {}};
  }
  return {};
}

RequestVerdict filter_request(const Policy& policy, Blocks counting, const RequestFacts& facts,
                              RequestHead& request, ResponseHead& answer, Arena& arena) {
  const auto& filters = *policy.filters();
  const auto guarded = guard(policy, counting, facts, request, answer, arena);
  if (guarded.answered_by != Filter::kNone) return guarded;
  if (filters.redirect) {
    const auto location =
        redirect_location(*filters.redirect, request, facts.forwarded, facts.matched_path, arena);
    answer.status = filters.redirect->status;
    answer.headers.add({"location", location, HeaderId::kOther});
    return {Filter::kRedirect, {}};
  }
  if (filters.direct_response) return respond(*filters.direct_response, answer);
  if (counting.has(PolicyBlock::kRequestHeaders)) policy.edit_request(request.headers);
  if (filters.rewrite && !rewrite(*filters.rewrite, facts, request, arena))
    return refuse(Filter::kRewrite, 500, "Internal Server Error: rewrite\n", answer);
  return {};
}

void filter_response(const Policy& policy, Blocks counting, std::string_view origin, ResponseHead& response) {
  if (policy.cors() && counting.has(PolicyBlock::kCors)) policy.cors()->edit_response(origin, response);
  if (counting.has(PolicyBlock::kResponseHeaders)) policy.edit_response(response.headers);
}

}  // namespace headgate::l7::policy
