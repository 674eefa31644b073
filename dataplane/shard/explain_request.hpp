// SPDX-License-Identifier: Apache-2.0
// explain_request: what a replica would do with a request and why: parsed, normalised and routed by the code
// that serves, over the tables that are served and by what the threads have seen of backends;
// nothing is sent or counted. It looks at every rule and
// allocates. Thread: control.
#pragma once

#include "dataplane/contract/explain.hpp"
#include "dataplane/l7/tables.hpp"

namespace headgate::shard {

contract::RequestAnswer explain_request(const l7::TableBuilder& builder,
                                        const contract::RequestQuestion& question, TimePoint now);

}  // namespace headgate::shard
