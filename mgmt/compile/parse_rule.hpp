// SPDX-License-Identifier: Apache-2.0
// The parts of a route's rule that have files of their own. Private to the parse_*.cpp files. Pure; any
// thread.
#pragma once

#include <vector>

#include "mgmt/compile/fields.hpp"

namespace headgate::compile {

contract::RouteMatch read_match(Fields& match);

// Of a rule or of one entry of its forward. `matches` are the rule's: a path edit of type prefix needs
// prefixes. The pool of a mirror is left as "namespace/name" (pool_named_by() in resources.hpp).
contract::Filters read_filters(Fields& filters, const std::string& namespace_name,
                               const std::vector<contract::RouteMatch>& matches);

// The member "pool": a name is in this namespace, "namespace/name" in that one.
ObjectRef read_pool_reference(Fields& fields, const std::string& namespace_name);

// Those that a policy can have too.
void read_blocks(Fields& filters, contract::Filters& into);

// Whether every request is answered by a filter.
inline bool answers_all(const contract::Filters& filters) {
  return filters.redirect || filters.direct_response;
}

}  // namespace headgate::compile
