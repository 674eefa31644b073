// SPDX-License-Identifier: Apache-2.0
// Problem: one thing that is wrong with a proposed object, said so that its author finds it. Every problem is
// reported at once, never the first alone. Plain values, any thread.
#pragma once

#include <string>
#include <vector>

#include "db/store/object.hpp"

namespace headgate::compile {

struct Problem {
  db::ObjectKey object;   // the proposed object that must change
  std::string pointer;    // JSON pointer in its body
  std::string code;       // snake_case, stable: "unknown_field", "missing_reference", …
  std::string detail;     // a sentence
  bool conflict = false;  // another object holds it (409); else the object can't be accepted (422)
  // What stands for nothing, ever: no change may bring it, but an object that was stored with it still is
  // read.
  bool pointless = false;

  friend bool operator==(const Problem&, const Problem&) = default;
};

using Problems = std::vector<Problem>;

}  // namespace headgate::compile
