// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/transaction.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "dataplane/core/limits.hpp"
#include "mgmt/handlers/object_write.hpp"
#include "mgmt/handlers/operation.hpp"
#include "mgmt/handlers/write_answer.hpp"

namespace headgate::handlers {
namespace {

struct Step {
  std::string place;  // pointer in the document: "/operations/3"
  ObjectWrite write;

  bool creates() const { return write.method == "PUT" || write.method == "POST"; }
};
using Steps = std::vector<Step>;

std::string lower_method(std::string method) {
  std::transform(method.begin(), method.end(), method.begin(),
                 [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  return method;
}

// Reads the document's operations one by one; what is wrong with any of them is kept, up to the limit.
class StepReader {
 public:
  explicit StepReader(const Exchange& exchange) : exchange_(exchange) {}

  void read(nlohmann::json operation) {
    const auto place = fmt::format("/operations/{}", steps_.size() + skipped_);
    Step step{place, {}};
    if (read_step(operation, step))
      steps_.push_back(std::move(step));
    else
      ++skipped_;
  }

  // Null: all can be done.
  std::optional<http::Problem> problem() && {
    if (!denied_.empty()) return http::Problem{403, denied_, {}, {}};
    if (errors_.empty()) return std::nullopt;
    return faults(std::move(errors_));
  }
  Steps take() && { return std::move(steps_); }

 private:
  bool read_step(nlohmann::json& operation, Step& step) {
    auto& write = step.write;
    write.method = operation["method"].get<std::string>();
    std::vector<std::string> segments;
    const auto path = operation["path"].get<std::string>();
    const auto matched = http::split_path(path, segments) ? match(write.method, segments) : Match{};
    if (!matched.operation || !matched.operation->kind) {
      return fault(step.place + "/path", "unknown_path",
                   fmt::format("{} {} writes no object.", write.method, path));
    }
    const auto& parameters = matched.parameters;
    const auto scope = parameters.find(parameters.contains("namespace") ? "namespace" : "name");
    if (!auth::is_allowed(exchange_.principal, matched.operation->access,
                          scope == parameters.end() ? "" : scope->second))
      denied_ = fmt::format("{} may not do this: {} {}.", exchange_.principal.author(), write.method, path);
    write.path_template = matched.operation->path_template;
    if (operation.contains("body")) write.body = std::move(operation["body"]);
    write.conditions = {operation.value("if_match", ""), operation.value("if_none_match", "")};
    if (!check_body(step)) return false;
    write.key = key_of(*matched.operation->kind, parameters, write.body);
    for (auto& error : faults_of(write))
      fault(step.place + "/body" + error.pointer, error.code, error.detail);
    const auto [other, is_new] = places_.try_emplace(write.key, step.place);
    if (is_new) return true;
    return fault(step.place + "/path", "duplicate",
                 fmt::format("{} is written by {} as well.", write.key.to_string(), other->second));
  }

  bool check_body(const Step& step) {
    const bool is_delete = step.write.method == "DELETE";
    if (is_delete != step.write.body.is_null())
      return fault(step.place + "/body", is_delete ? "unknown_field" : "missing_field",
                   is_delete ? "A DELETE takes no body." : "The field body is needed.");
    if (is_delete) return true;
    const auto errors =
        exchange_.document.check(lower_method(step.write.method), step.write.path_template, step.write.body);
    for (const auto& error : errors) fault(step.place + "/body" + error.pointer, error.code, error.detail);
    return errors.empty();
  }

  bool fault(std::string pointer, std::string code, std::string detail) {
    if (errors_.size() < limits::kApiErrorsMax)
      errors_.push_back({std::move(pointer), std::move(code), std::move(detail)});
    return false;
  }

  const Exchange& exchange_;
  Steps steps_;
  std::size_t skipped_ = 0;
  std::map<db::ObjectKey, std::string> places_;
  std::vector<http::ProblemError> errors_;
  std::string denied_;
};

// Of one operation, said of the whole: which one it was, and where in it.
http::Problem placed(const Step& step, http::Problem problem) {
  problem.detail =
      fmt::format("{} {} ({}): {}", step.write.method, path_of(step.write.key), step.place, problem.detail);
  for (auto& error : problem.errors) error.pointer = step.place + "/body" + error.pointer;
  return problem;
}

bool makes_namespace(const Steps& steps, const std::string& name) {
  const db::ObjectKey space{db::Kind::kNamespace, "", name};
  return std::any_of(steps.begin(), steps.end(),
                     [&](const Step& step) { return step.creates() && step.write.key == space; });
}

service::Proposed propose(const Exchange& exchange, db::Reader& reader, const Steps& steps) {
  std::vector<compile::ProposedChange> changes;
  const auto failed = [](const Error& error) {
    return http::Problem{503, "The database did not answer: " + error.message, {}, {}};
  };
  for (const auto& step : steps) {
    const auto& key = step.write.key;
    if (!key.namespace_name.empty() && !makes_namespace(steps, key.namespace_name)) {
      const db::ObjectKey space{db::Kind::kNamespace, "", key.namespace_name};
      const auto found = reader.get(space);
      if (!found.ok()) return failed(found.error());
      if (!*found) return placed(step, not_found(space));
    }
    const auto now = reader.get(key);
    if (!now.ok()) return failed(now.error());
    auto decided = decide(step.write, *now, exchange.document);
    if (auto* problem = std::get_if<http::Problem>(&decided)) return placed(step, std::move(*problem));
    changes.push_back(std::move(std::get<compile::ProposedChange>(decided)));
  }
  return changes;
}

}  // namespace

void post_transaction(const ExchangePtr& exchange) {
  StepReader reader(*exchange);
  for (auto& operation : exchange->body["operations"]) reader.read(std::move(operation));
  if (auto problem = std::move(reader).problem()) return exchange->problem(*problem);
  const auto steps = std::make_shared<const Steps>(std::move(reader).take());

  service::WriteRequest request;
  if (const auto problem = read_write_options(exchange->request, request)) return exchange->problem(*problem);
  request.author = exchange->principal.author();
  request.summary = fmt::format("POST /v1/transactions: {} operations", steps->size());
  request.propose = [exchange, steps](db::Reader& now) { return propose(*exchange, now, *steps); };
  const bool dry_run = request.dry_run;
  exchange->service.write(
      std::move(request), [exchange, steps, dry_run](const service::WriteOutcome& outcome) {
        const auto place_of = [&](const db::ObjectKey& object) -> std::optional<std::string> {
          for (const auto& step : *steps)
            if (step.write.key == object) return step.place + "/body";
          return std::nullopt;
        };
        answer_changes(*exchange, place_of, dry_run, outcome);
      });
}

}  // namespace headgate::handlers
