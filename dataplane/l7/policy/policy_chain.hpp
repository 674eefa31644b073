// SPDX-License-Identifier: Apache-2.0
// PolicyChain: all filters that one exchange passes, in their order. A request: the policies from the
// outermost in, the rule, the entry of its forward that is chosen; then the headers that mandatory policies
// edit, from the innermost out. A response: from the entry of the forward out. Lives in its exchange, which
// pins what it points to. Thread: the exchange's.
#pragma once

#include <string_view>

#include "dataplane/l7/policy/policy_list.hpp"

namespace headgate::l7::policy {

// Which filter has answered, and whose it was.
struct [[nodiscard]] ChainVerdict {
  RequestVerdict verdict;
  std::string_view policy;  // its name; empty: the route's own filters
};

struct PolicyChain {
  const PolicyList* listener = nullptr;  // null: none stands above it
  const PolicyList* route = nullptr;     // of the plan; null before there is one
  const Policy* rule = nullptr;          // null: the rule has no filters
  const Policy* forward = nullptr;       // null: not chosen yet, or it has none

  // Whether there is nothing to do for any request.
  bool empty() const;

  // Up to the rule's own filters and with them.
  ChainVerdict enter(const RequestFacts& facts, RequestHead& request, ResponseHead& answer,
                     Arena& arena) const;
  // Of the entry of the forward, and the mandatory headers after all else.
  ChainVerdict enter_forward(const RequestFacts& facts, RequestHead& request, ResponseHead& answer,
                             Arena& arena) const;
  // Of as much as there is yet.
  void leave(std::string_view origin, ResponseHead& response) const;
  // The sections behind the bodies: HeaderEdit::guard_trailers() of all that edits the heads.
  void guard_request_trailers(Headers& trailers) const;
  void guard_response_trailers(Headers& trailers) const;
  // How responses are compressed; null: not at all.
  const contract::Compression* compression() const;

  // How the request's body is buffered; null: it is streamed. The entry of the forward has the word.
  const contract::BufferRequest* buffer_request() const;

  // What counts of a policy in either list.
  Blocks counting(const AppliedPolicy& applied, const PolicyList& of) const;
  // What counts of the filters of the rule and its forward.
  Blocks inside() const;

 private:
  template <typename Visit>
  void for_each(PolicyBlock block, Visit&& visit) const;
};

}  // namespace headgate::l7::policy
