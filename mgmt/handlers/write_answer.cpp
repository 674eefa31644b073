// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/write_answer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/core/limits.hpp"
#include "mgmt/handlers/object_json.hpp"

namespace headgate::handlers {
namespace {

constexpr std::chrono::milliseconds kWaitDefault{5000};

// RFC 9110 section 8.8.3: a list of entity tags; a weak one never matches where a strong one is asked for.
bool names_etag(std::string_view list, const std::string& etag) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto tag = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    tag.remove_prefix(std::min(tag.find_first_not_of(" \t"), tag.size()));
    if (tag.substr(0, tag.find_last_not_of(" \t") + 1) == etag) return true;
  }
  return false;
}

}  // namespace

std::optional<http::Problem> read_write_options(const http::Request& request, service::WriteRequest& into) {
  if (auto problem = read_flag(request, "dry_run", into.dry_run)) return problem;
  auto timeout = kWaitDefault;
  if (auto problem = read_duration(request, "timeout", timeout)) return problem;
  const auto wait = request.query.find("wait");
  if (wait == request.query.end()) return std::nullopt;
  if (wait->second != "applied")
    return http::Problem{400, "The query parameter wait must be applied.", {}, {}};
  into.wait = timeout;
  return std::nullopt;
}

Conditions conditions_of(const http::Request& request) {
  return {std::string(request.header("if-match")), std::string(request.header("if-none-match"))};
}

std::optional<http::Problem> check_conditions(const Conditions& conditions,
                                              std::optional<uint64_t> revision_now) {
  const auto& [if_match, if_none_match] = conditions;
  const auto failed = [&](std::string detail) {
    http::Problem problem{412, std::move(detail), {}, {}};
    if (revision_now) problem.headers.emplace_back("ETag", etag_of(*revision_now));
    return problem;
  };
  if (!if_match.empty()) {
    if (!revision_now) return failed("If-Match: there is nothing here to match.");
    if (if_match != "*" && !names_etag(if_match, etag_of(*revision_now)))
      return failed(fmt::format("If-Match: it has changed; its ETag is {} now. Read it again.",
                                etag_of(*revision_now)));
  }
  if (!if_none_match.empty() && revision_now) {
    if (if_none_match == "*") return failed("If-None-Match: it exists.");
    if (names_etag(if_none_match, etag_of(*revision_now))) return failed("If-None-Match: it has this ETag.");
  }
  return std::nullopt;
}

http::Problem refusal_problem(const service::Refusal& refusal, const PlaceOf& place_of) {
  if (refusal.storage_error) {
    const bool is_full = refusal.storage_error->code == ErrorCode::kExhausted;
    return {is_full ? 507 : 503, "Nothing was stored: " + refusal.storage_error->message, {}, {}};
  }
  http::Problem answer;
  bool is_conflict = true;
  for (const auto& problem : refusal.problems) {
    is_conflict &= problem.conflict;
    if (answer.errors.size() >= limits::kApiErrorsMax) continue;
    const auto place = place_of(problem.object);
    if (place) {
      answer.errors.push_back({*place + problem.pointer, problem.code, problem.detail});
    } else {
      answer.errors.push_back({"", problem.code, problem.object.to_string() + ": " + problem.detail});
    }
  }
  answer.status = is_conflict ? 409 : 422;
  answer.detail = refusal.problems.size() == 1
                      ? answer.errors.front().detail
                      : fmt::format("There are {} faults; nothing was stored.", refusal.problems.size());
  return answer;
}

void answer_changes(const Exchange& exchange, const PlaceOf& place_of, bool dry_run,
                    const service::WriteOutcome& outcome) {
  if (const auto* problem = std::get_if<http::Problem>(&outcome)) return exchange.problem(*problem);
  if (const auto* refusal = std::get_if<service::Refusal>(&outcome))
    return exchange.problem(refusal_problem(*refusal, place_of));
  const auto& written = std::get<service::Written>(outcome);
  auto headers = revision_header(written.revision);
  if (dry_run)
    return exchange.json(200, {{"dry_run", true}, {"changes", changes_json(written)}}, std::move(headers));
  headers.emplace_back("ETag", etag_of(written.revision));
  Json body{{"revision", written.revision}, {"changes", changes_json(written)}};
  if (!written.missing.empty()) {
    body["applied"] = false;
    body["missing"] = missing_json(written.missing);
  }
  exchange.json(written.missing.empty() ? 200 : 202, body, std::move(headers));
}

std::vector<std::pair<std::string, std::string>> revision_header(uint64_t revision) {
  return {{"Headgate-Revision", std::to_string(revision)}};
}

}  // namespace headgate::handlers
