// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/violations.hpp"

namespace headgate::service {
namespace {

struct Meaning {
  const char* code;
  bool is_conflict;
};

Meaning meaning_of(db::ViolationCode code) {
  switch (code) {
    case db::ViolationCode::kNotFound:
      return {"not_found", true};
    case db::ViolationCode::kExists:
      return {"exists", true};
    case db::ViolationCode::kPrecondition:
      return {"precondition_failed", true};
    case db::ViolationCode::kMissingReference:
      return {"missing_reference", false};
    case db::ViolationCode::kReferenced:
      return {"referenced", true};
    case db::ViolationCode::kAddressTaken:
      return {"address_taken", true};
    case db::ViolationCode::kHostnameTaken:
      return {"hostname_taken", true};
    case db::ViolationCode::kExhausted:
      return {"exhausted", true};
  }
  return {"invalid", false};
}

}  // namespace

compile::Problems to_problems(const std::vector<db::Violation>& violations, const db::Write& write) {
  compile::Problems problems;
  for (const auto& violation : violations) {
    const auto [code, is_conflict] = meaning_of(violation.code);
    compile::Problem problem{{}, violation.pointer, code, violation.detail, is_conflict};
    if (violation.change) problem.object = write.changes[*violation.change].key;
    if (!violation.others.empty()) {
      problem.detail += " (";
      for (const auto& other : violation.others)
        problem.detail.append(&other == &violation.others.front() ? "" : ", ").append(other.to_string());
      problem.detail += ")";
    }
    problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace headgate::service
