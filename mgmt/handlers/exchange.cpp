// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/exchange.hpp"

#include <charconv>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/core/units.hpp"

namespace headgate::handlers {

void Exchange::json(int status, const Json& body_json,
                    std::vector<std::pair<std::string, std::string>> headers) const {
  respond({status, std::move(headers), "application/json",
           body_json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"});
}

void Exchange::storage_failed(const Error& error) const {
  problem({503, "The database did not answer: " + error.message, {}, {}});
}

namespace {

http::Problem bad_parameter(const std::string& name, std::string_view expected) {
  return {400, fmt::format("The query parameter {} must be {}.", name, expected), {}, {}};
}

}  // namespace

std::optional<http::Problem> read_flag(const http::Request& request, const std::string& name, bool& into) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::nullopt;
  if (found->second != "true" && found->second != "false") return bad_parameter(name, "true or false");
  into = found->second == "true";
  return std::nullopt;
}

std::optional<http::Problem> read_duration(const http::Request& request, const std::string& name,
                                           std::chrono::milliseconds& into) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::nullopt;
  const auto parsed = parse_duration(found->second);
  if (!parsed || *parsed > limits::kApiWaitMax)
    return bad_parameter(name, "a duration like 250ms or 10s, at most 60s");
  into = *parsed;
  return std::nullopt;
}

std::optional<http::Problem> read_number(const http::Request& request, const std::string& name,
                                         uint64_t least, uint64_t most, uint64_t& into) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::nullopt;
  const auto& text = found->second;
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < least || number > most)
    return bad_parameter(name, fmt::format("a number from {} to {}", least, most));
  into = number;
  return std::nullopt;
}

std::string format_time(int64_t unix_ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)),
                     unix_ms % 1000);
}

std::optional<int64_t> parse_time(std::string_view text) {
  std::tm fields{};
  const std::string terminated(text);
  const char* end = ::strptime(terminated.c_str(), "%Y-%m-%dT%H:%M:%SZ", &fields);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const int day_given = fields.tm_mday;
  const auto seconds = ::timegm(&fields);
  if (fields.tm_mday != day_given) return std::nullopt;  // the 31st of a month of 30 days
  return static_cast<int64_t>(seconds) * 1000;
}

std::string etag_of(uint64_t revision) { return fmt::format("\"{}\"", revision); }

}  // namespace headgate::handlers
