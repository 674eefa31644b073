// SPDX-License-Identifier: Apache-2.0
// Policy: the filters of a rule, of one entry of its forward, or of a policy that stands above them,
// compiled; the one implementation of each filter, whoever asks for it. filter_request() edits the request or
// answers it, in the order of contract::Filters: who may enter, how often, CORS preflights, redirect, direct
// response; then headers and rewrite. filter_response() edits what is answered, by a backend or by ourselves.
// Which of its blocks count, others may have a say in (policy_list.hpp). No socket and no clock.
//
// A value whose copies share what is in it, one pointer for each of the two: there may be one a rule. Built
// and freed by the control thread and carried from revision to revision as long as its filters stay, const in
// between but for the rate limiter's counts; any thread reads. What it puts into a message points into what
// is shared: it outlives the exchange by the RoutePlan's pin.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "dataplane/contract/boxed.hpp"
#include "dataplane/contract/filters.hpp"
#include "dataplane/core/arena.hpp"
#include "dataplane/l7/forwarded.hpp"
#include "dataplane/l7/http_message.hpp"
#include "dataplane/l7/policy/blocks.hpp"
#include "dataplane/l7/policy/cors.hpp"
#include "dataplane/l7/policy/header_edit.hpp"
#include "dataplane/l7/policy/rate_limiter.hpp"

namespace headgate::l7::policy {

class Policy {
 public:
  Policy() = default;  // of no filters: no exchange passes it
  // `filters` has a value. What stood in the same place `before` (may be null) has counted goes on counting
  // where the limit is the same, whatever else has changed.
  explicit Policy(contract::Boxed<contract::Filters> filters, const Policy* before = nullptr);

  bool empty() const { return !filters_; }
  // This, or null where it is empty.
  const Policy* get() const { return empty() ? nullptr : this; }
  const contract::Boxed<contract::Filters>& filters() const { return filters_; }

  void edit_request(Headers& headers) const {
    if (compiled_) compiled_->request_headers.apply(headers);
  }
  void edit_response(Headers& headers) const {
    if (compiled_) compiled_->response_headers.apply(headers);
  }
  void guard_request_trailers(Headers& trailers) const {
    if (compiled_) compiled_->request_headers.guard_trailers(trailers);
  }
  void guard_response_trailers(Headers& trailers) const {
    if (compiled_) compiled_->response_headers.guard_trailers(trailers);
  }
  const Cors* cors() const { return compiled_ && compiled_->cors ? &*compiled_->cors : nullptr; }
  RateLimiter* rate_limiter() const { return compiled_ ? compiled_->rate_limiter.get() : nullptr; }

  // Not only alike: counted by the same rate limiter.
  friend bool operator==(const Policy& a, const Policy& b) {
    return a.filters_.shares_with(b.filters_) && a.compiled_ == b.compiled_;
  }

 private:
  struct Compiled {
    explicit Compiled(const contract::Filters& filters);

    HeaderEdit request_headers;
    HeaderEdit response_headers;
    std::optional<Cors> cors;
    std::shared_ptr<RateLimiter> rate_limiter;
  };

  contract::Boxed<contract::Filters> filters_;
  std::shared_ptr<const Compiled> compiled_;  // null: no filter has another form than the contract's
};

enum class Filter : uint8_t { kNone, kIpAccess, kRateLimit, kCors, kRedirect, kDirectResponse, kRewrite };
std::string_view name_of(Filter filter);  // "ip_access", as logs spell it

// What a filter may know beside the request.
struct RequestFacts {
  const ForwardedFacts& forwarded;
  std::optional<std::string_view> matched_path;  // path_edit.hpp
  std::chrono::nanoseconds now{0};
};

// kNone: the request goes on. Else who has answered it; `answer` has status and headers, `body` what follows.
// As every answer it goes through filter_response() then.
struct [[nodiscard]] RequestVerdict {
  Filter answered_by = Filter::kNone;
  std::string_view body;
};
RequestVerdict filter_request(const Policy& policy, Blocks counting, const RequestFacts& facts,
                              RequestHead& request, ResponseHead& answer, Arena& arena);
// Its first part: what lets the request in or answers it, and edits nothing.
RequestVerdict guard(const Policy& policy, Blocks counting, const RequestFacts& facts, RequestHead& request,
                     ResponseHead& answer, Arena& arena);

// `origin`: the field of that name that the request came with; empty where it had none.
void filter_response(const Policy& policy, Blocks counting, std::string_view origin, ResponseHead& response);

}  // namespace headgate::l7::policy
