// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/api.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/handlers/object_json.hpp"
#include "mgmt/handlers/operation.hpp"
#include "mgmt/openapi/json_text.hpp"

namespace headgate::handlers {
namespace {

constexpr std::string_view kConfigPath = "/v1/config";
constexpr std::string_view kTransactionsPath = "/v1/transactions";
constexpr std::string_view kReportPathEnd = "/report";
constexpr std::size_t kObjectValuesMax = 100'000;
constexpr std::size_t kConfigValuesMax = 20'000'000;

// RFC 6750: "Bearer" without case, one space or more. Empty: no token.
std::string_view bearer_of(const http::Request& request) {
  auto value = request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (ascii::lowered(value.substr(0, kScheme.size())) != kScheme) return {};
  value.remove_prefix(kScheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

std::optional<http::Problem> authenticate(Exchange& exchange) {
  const auto secret = bearer_of(exchange.request);
  if (secret.empty())
    return http::Problem{
        401, "Send a token: Authorization: Bearer hg_…", {}, {{"WWW-Authenticate", "Bearer"}}};
  auto reader = exchange.service.reader();
  if (!reader.ok())
    return http::Problem{503, "The database did not answer: " + reader.error().message, {}, {}};
  auto principal = auth::principal_of(*reader, secret, unix_time_ms());
  if (!principal.ok())
    return http::Problem{503, "The database did not answer: " + principal.error().message, {}, {}};
  if (!*principal)
    return http::Problem{401,
                         "This token is unknown or has expired.",
                         {},
                         {{"WWW-Authenticate", "Bearer error=\"invalid_token\""}}};
  exchange.principal = std::move(**principal);
  return std::nullopt;
}

// A flag that is misspelt (?dryrun=true) would otherwise do for real what was to be tried.
std::optional<http::Problem> check_query(const Exchange& exchange) {
  const auto& known = exchange.document.query_parameters(ascii::lowered(exchange.operation->method),
                                                         exchange.operation->path_template);
  for (const auto& [name, value] : exchange.request.query)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return http::Problem{400, fmt::format("There is no query parameter {} here.", name), {}, {}};
  return std::nullopt;
}

// The document knows shapes, compile knows values ("192.0.2.300"): a body with faults of both kinds gets them
// all at once. A place that has its fault already needs no second.
void add_value_faults(const Operation& operation, const nlohmann::json& body,
                      std::vector<http::ProblemError>& errors) {
  const auto add = [&](db::Kind kind, const nlohmann::json& object, const std::string& place) {
    if (!object.is_object()) return;
    const auto parsed =
        compile::parse_resource({kind, db::in_namespace(kind) ? "default" : "", "x"}, stored_body(object));
    for (const auto& problem : parsed.problems) {
      const auto pointer = place + problem.pointer;
      const auto is_known = [&](const http::ProblemError& error) {
        return error.pointer.starts_with(pointer);
      };
      if (errors.size() < limits::kApiErrorsMax && std::none_of(errors.begin(), errors.end(), is_known))
        errors.push_back({pointer, problem.code, problem.detail});
    }
  };
  if (operation.kind) return add(*operation.kind, body, "");
  if (operation.path_template != kConfigPath || !body.is_object()) return;
  for (const auto kind : db::kKinds) {
    const auto list = body.find(db::plural_of(kind));
    if (list == body.end() || !list->is_array()) continue;
    for (std::size_t i = 0; i < list->size() && errors.size() < limits::kApiErrorsMax; ++i)
      add(kind, (*list)[i], fmt::format("/{}/{}", db::plural_of(kind), i));
  }
}

// A report may hold what a command has brought to light: a capture is one string.
openapi::JsonBounds bounds_of(std::string_view path_template) {
  if (path_template == kConfigPath || path_template == kTransactionsPath) return {kConfigValuesMax};
  if (path_template.ends_with(kReportPathEnd)) return {kObjectValuesMax, limits::kCommandResultBytesMax};
  return {kObjectValuesMax};
}

std::optional<http::Problem> read_body(Exchange& exchange) {
  const auto method = ascii::lowered(exchange.operation->method);
  const auto type = exchange.document.body_type(method, exchange.operation->path_template);
  if (type.empty()) {
    if (exchange.request.body.empty()) return std::nullopt;
    return http::Problem{400, "This operation takes no body.", {}, {}};
  }
  const auto sent = ascii::lowered(exchange.request.header("content-type"));
  const auto sent_type = std::string_view(sent).substr(0, sent.find_first_of("; "));
  if (!sent_type.empty() && sent_type != type && sent_type != "application/json")
    return http::Problem{415,
                         fmt::format("The body is {}; send Content-Type: {}.", sent_type, type),
                         {},
                         {{"Accept", std::string(type)}}};
  if (auto problem = openapi::parse_json(exchange.request.body, bounds_of(exchange.operation->path_template),
                                         exchange.body))
    return problem;
  auto errors = exchange.document.check(method, exchange.operation->path_template, exchange.body);
  if (errors.empty()) return std::nullopt;
  add_value_faults(*exchange.operation, exchange.body, errors);
  return http::Problem{422,
                       fmt::format("The body has {} fault(s); nothing was stored.", errors.size()),
                       std::move(errors),
                       {}};
}

std::optional<http::Problem> let_in(Exchange& exchange, const Match& match) {
  const bool is_public = match.operation != nullptr && match.operation->access == auth::Access::kAnyone;
  if (!is_public)
    if (auto problem = authenticate(exchange)) return problem;
  if (match.allowed.empty())
    return http::Problem{404, "There is no such path; GET /v1/openapi.json names them.", {}, {}};
  if (match.operation == nullptr)
    return http::Problem{405, "This path takes " + match.allowed + ".", {}, {{"Allow", match.allowed}}};
  const auto scope_of = [&](const char* name) {
    const auto found = match.parameters.find(name);
    return found == match.parameters.end() ? std::string() : found->second;
  };
  const auto scope = match.parameters.contains("namespace") ? scope_of("namespace") : scope_of("name");
  if (!auth::is_allowed(exchange.principal, match.operation->access, scope))
    return http::Problem{403, fmt::format("{} may not do this.", exchange.principal.author()), {}, {}};
  if (auto problem = check_query(exchange)) return problem;
  return read_body(exchange);
}

}  // namespace

std::size_t Api::body_bytes_max(std::string_view, std::string_view path) {
  return path == kConfigPath || path == kTransactionsPath || path.ends_with(kReportPathEnd)
             ? limits::kApiBodyBytesMax
             : limits::kApiObjectBytesMax;
}

void Api::handle(http::Request request, http::Responder respond) const {
  auto matched = match(request.method, request.segments);
  const auto exchange = std::make_shared<Exchange>(Exchange{std::move(request),
                                                            matched.operation,
                                                            matched.parameters,
                                                            {},
                                                            {},
                                                            service_,
                                                            document_,
                                                            authority_,
                                                            std::move(respond)});
  try {
    if (const auto problem = let_in(*exchange, matched)) return exchange->problem(*problem);
    matched.operation->handle(exchange);
  } catch (const std::exception& fault) {  // a library's, on input that ours should have refused
    log::error(fmt::format("{} {}: {}", exchange->request.method, exchange->request.path, fault.what()));
    exchange->problem({500, "This is a fault of headgated; its log says more.", {}, {}});
  }
}

}  // namespace headgate::handlers
