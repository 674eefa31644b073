// SPDX-License-Identifier: Apache-2.0
// What no object shows alone: references, who may attach and forward where, hostnames, addresses. Looks at
// the changed objects and at those directly related to them, never at the rest. Pure; any thread.
#pragma once

#include "mgmt/compile/model.hpp"
#include "mgmt/compile/problem.hpp"

namespace headgate::compile {

// `model` shows the changes already; `changed` are the objects that were put or removed. A fault between a
// changed and an unchanged object is the changed one's.
Problems check(const Model& model, const Keys& changed);

}  // namespace headgate::compile
