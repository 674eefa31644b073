// SPDX-License-Identifier: Apache-2.0
// Conditions: what one entry of `matches` asks beside the path: that a header, or a query parameter, has a
// value or matches an expression. Several fields of one name count as one list (RFC 9110 section 5.3); of a
// repeated query key the first counts, decoded as a form is: "+" is a space, %XX its byte, and an escape that
// is none stands for itself. Pure and without allocation; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/route_match.hpp"
#include "dataplane/l7/expression.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

struct HeaderCondition {
  std::string name;  // lower case
  std::string value;
  HeaderId id = HeaderId::kOther;
  ExpressionPtr expression;  // null: exactly `value`
};

struct QueryCondition {
  std::string name;  // decoded, as the value is
  std::string value;
  ExpressionPtr expression;  // null: exactly `value`
};

bool holds(const HeaderCondition& condition, const RequestHead& request);
bool holds(const QueryCondition& condition, const RequestHead& request);

// Each name once: of several conditions on one name the first counts (Gateway API, HTTPHeaderMatch and
// HTTPQueryParamMatch). False where an expression can't be compiled: then nothing may match.
[[nodiscard]] bool compile_headers(const std::vector<contract::HeaderMatch>& matches,
                                   Expressions& expressions, std::vector<HeaderCondition>& into);
[[nodiscard]] bool compile_query(const std::vector<contract::QueryMatch>& matches, Expressions& expressions,
                                 std::vector<QueryCondition>& into);

}  // namespace headgate::l7
