// SPDX-License-Identifier: Apache-2.0
// What the database says against a write, in the words of compile's problems. Pure.
#pragma once

#include <vector>

#include "db/store/write.hpp"
#include "mgmt/compile/problem.hpp"

namespace headgate::service {

compile::Problems to_problems(const std::vector<db::Violation>& violations, const db::Write& write);

}  // namespace headgate::service
