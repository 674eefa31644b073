// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/cors.hpp"

#include <algorithm>

#include "dataplane/core/ascii.hpp"

namespace headgate::l7::policy {
namespace {

constexpr std::string_view kAllowOrigin = "access-control-allow-origin";
constexpr std::string_view kAllowCredentials = "access-control-allow-credentials";
constexpr std::string_view kAllowMethods = "access-control-allow-methods";
constexpr std::string_view kAllowHeaders = "access-control-allow-headers";
constexpr std::string_view kExposeHeaders = "access-control-expose-headers";
constexpr std::string_view kMaxAge = "access-control-max-age";
constexpr std::string_view kRequestMethod = "access-control-request-method";
constexpr std::string_view kRequestHeaders = "access-control-request-headers";

std::string joined(const std::vector<std::string>& list) {
  if (std::find(list.begin(), list.end(), "*") != list.end()) return "*";
  std::string text;
  for (const auto& each : list) text.append(text.empty() ? "" : ", ").append(each);
  return text;
}

void add(ResponseHead& response, std::string_view name, std::string_view value) {
  if (!value.empty()) response.headers.add({name, value, HeaderId::kOther});
}

std::string_view value_of(const RequestHead& request, std::string_view name) {
  const auto* field = request.headers.find(name);
  return field ? field->value : std::string_view{};
}

bool is_host_character(char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; }

}  // namespace

bool covers_origin(std::string_view pattern, std::string_view origin) {
  if (pattern == "*" || pattern == origin) return true;
  const auto star = pattern.find("://*");
  if (star == std::string_view::npos) return false;
  const auto scheme = pattern.substr(0, star + 3);
  const auto rest = pattern.substr(star + 4);
  if (origin.size() <= scheme.size() + rest.size() || !origin.starts_with(scheme) || !origin.ends_with(rest))
    return false;
  const auto covered = origin.substr(scheme.size(), origin.size() - scheme.size() - rest.size());
  return std::all_of(covered.begin(), covered.end(), is_host_character);
}

Cors::Cors(const contract::Cors& cors)
    : origins_(cors.origins),
      methods_(joined(cors.methods)),
      headers_(joined(cors.headers)),
      expose_(joined(cors.expose)),
      max_age_seconds_(
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(cors.max_age).count())),
      any_origin_(std::find(origins_.begin(), origins_.end(), "*") != origins_.end()),
      credentials_(cors.credentials) {}

bool Cors::allows(std::string_view origin) const {
  return !origin.empty() && std::any_of(origins_.begin(), origins_.end(), [&](const std::string& pattern) {
    return covers_origin(pattern, origin);
  });
}

bool Cors::is_preflight(const RequestHead& request) {
  return request.method == Method::kOptions && request.headers.find("origin") != nullptr &&
         request.headers.find(kRequestMethod) != nullptr;
}

// "*" says nothing to a request with credentials (Fetch, section 3.2.5): then the origin itself is named.
void Cors::permit(std::string_view origin, ResponseHead& response) const {
  const bool names_origin = credentials_ || !any_origin_;
  if (names_origin) response.headers.add({"vary", "Origin", HeaderId::kOther});
  if (!allows(origin)) return;
  add(response, kAllowOrigin, names_origin ? origin : "*");
  if (credentials_) add(response, kAllowCredentials, "true");
}

void Cors::answer_preflight(const RequestHead& request, ResponseHead& answer) const {
  answer.status = 204;
  if (!allows(value_of(request, "origin"))) return;
  const bool echo_method = credentials_ && methods_ == "*";
  const bool echo_headers = credentials_ && headers_ == "*";
  add(answer, kAllowMethods, echo_method ? value_of(request, kRequestMethod) : methods_);
  add(answer, kAllowHeaders, echo_headers ? value_of(request, kRequestHeaders) : headers_);
  add(answer, kMaxAge, max_age_seconds_);
}

void Cors::edit_response(std::string_view origin, ResponseHead& response) const {
  for (const auto name : {kAllowOrigin, kAllowCredentials, kExposeHeaders}) response.headers.remove(name);
  permit(origin, response);
  if (allows(origin)) add(response, kExposeHeaders, expose_);
}

}  // namespace headgate::l7::policy
