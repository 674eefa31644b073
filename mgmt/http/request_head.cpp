// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/request_head.hpp"

#include <charconv>

#include <fmt/format.h>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/units.hpp"

namespace headgate::http {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::string> raw_header(const Pistache::Http::Request& request, const std::string& name) {
  const auto found = request.headers().rawList().find(name);  // compares without case
  if (found == request.headers().rawList().end()) return std::nullopt;
  return std::string(trim(found->second.value()));
}

}  // namespace

std::optional<Problem> problem_of_head(const Pistache::Http::Request& request, const ServerOptions& options) {
  if (!request.resource().starts_with('/'))
    return Problem{400, "The request's target must be a path: /v1/…", {}, {}};
  if (request.resource().size() > limits::kApiTargetBytesMax)
    return Problem{414, "The request's target is too long.", {}, {}};
  // Pistache takes chunk sizes wrongly where a chunk's end falls between two reads.
  if (raw_header(request, "transfer-encoding"))
    return Problem{411, "Send the body with Content-Length; transfer codings are not taken here.", {}, {}};
  const auto length_text = raw_header(request, "content-length");
  if (!length_text) return std::nullopt;
  uint64_t length_bytes = 0;
  const char* end = length_text->data() + length_text->size();
  const auto parsed = std::from_chars(length_text->data(), end, length_bytes);
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end)
    return Problem{400, "Content-Length is no number.", {}, {}};
  std::string method = Pistache::Http::methodString(request.method());
  const auto most_bytes = options.body_bytes_max(method, request.resource());
  if (parsed.ec == std::errc::result_out_of_range || length_bytes > most_bytes)
    return Problem{413, fmt::format("The body is over {}.", format_size_bytes(most_bytes)), {}, {}};
  return std::nullopt;
}

bool expects_continue(const Pistache::Http::Request& request) {
  return ascii::lowered(raw_header(request, "expect").value_or("")) == "100-continue";
}

bool keeps_alive(const Pistache::Http::Request& request) {
  const auto connection = ascii::lowered(raw_header(request, "connection").value_or(""));
  if (request.version() == Pistache::Http::Version::Http10) return connection == "keep-alive";
  return connection.find("close") == std::string::npos;
}

std::optional<Request> to_request(const Pistache::Http::Request& parsed) {
  Request request;
  request.method = Pistache::Http::methodString(parsed.method());
  request.path = parsed.resource();
  if (!split_path(request.path, request.segments)) return std::nullopt;
  for (auto at = parsed.query().parameters_begin(); at != parsed.query().parameters_end(); ++at) {
    std::string name;
    std::string value;
    if (!percent_decode(at->first, name) || !percent_decode(at->second, value)) return std::nullopt;
    request.query.emplace(std::move(name), std::move(value));
  }
  for (const auto& [name, raw] : parsed.headers().rawList())
    request.headers.emplace(ascii::lowered(name), trim(raw.value()));
  request.body = parsed.body();
  return request;
}

}  // namespace headgate::http
