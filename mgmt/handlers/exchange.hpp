// SPDX-License-Identifier: Apache-2.0
// Exchange: one request that was let in, with what its handler needs to answer it, now or later. Lives
// (shared) until it is answered. Threads: an HTTP thread first, then possibly the writer's; never two at
// once.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dataplane/core/result.hpp"
#include "mgmt/auth/principal.hpp"
#include "mgmt/http/message.hpp"
#include "mgmt/http/problem.hpp"
#include "mgmt/openapi/api_document.hpp"
#include "mgmt/service/service.hpp"

namespace headgate::handlers {

using Json = nlohmann::ordered_json;

struct Operation;

// What anybody may know of the authority that vouches for the API's front.
struct PublicAuthority {
  std::string certificate;  // PEM
  std::string fingerprint;  // SHA-256 of the DER, 64 hex digits
};

struct Exchange {
  http::Request request;
  const Operation* operation = nullptr;
  std::map<std::string, std::string> parameters;  // of the path
  auth::Principal principal;
  nlohmann::json body;  // of the shape that the document asks for; null where the operation takes none
  service::Service& service;
  const openapi::ApiDocument& document;
  const PublicAuthority* authority;  // null where there is no front
  http::Responder respond;

  void json(int status, const Json& body_json,
            std::vector<std::pair<std::string, std::string>> headers = {}) const;
  void problem(const http::Problem& problem) const { respond(http::to_response(problem)); }
  void storage_failed(const Error& error) const;
  const std::string& parameter(const std::string& name) const { return parameters.at(name); }
};
using ExchangePtr = std::shared_ptr<Exchange>;

// Query parameters; the problem says what is wrong with one.
std::optional<http::Problem> read_flag(const http::Request& request, const std::string& name, bool& into);
std::optional<http::Problem> read_duration(const http::Request& request, const std::string& name,
                                           std::chrono::milliseconds& into);
std::optional<http::Problem> read_number(const http::Request& request, const std::string& name,
                                         uint64_t least, uint64_t most, uint64_t& into);

std::string format_time(int64_t unix_ms);  // RFC 3339
std::optional<int64_t> parse_time(std::string_view text);
std::string etag_of(uint64_t revision);

}  // namespace headgate::handlers
