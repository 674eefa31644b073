// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/http_probe.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/core/ascii.hpp"

namespace headgate::node {
namespace {

// "HTTP/1.1 200", then a space or the line's end.
constexpr std::size_t kStatusEnd = 12;

}  // namespace

std::string probe_request(const contract::HealthCheck& check, std::string_view member) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: headgate-health\r\nConnection: close\r\n\r\n", check.path,
      check.host.empty() ? member : std::string_view(check.host));
}

ProbeAnswer judge_answer(std::string_view received, const std::vector<contract::StatusRange>& expected) {
  constexpr std::string_view kVersion = "HTTP/1.";
  const ProbeAnswer no_http{true, false, "the answer is not HTTP/1"};
  const auto known = received.substr(0, kVersion.size());
  if (known != kVersion.substr(0, known.size())) return no_http;
  if (received.size() <= kStatusEnd) return {};
  const char after = received[kStatusEnd];
  if (!ascii::is_digit(received[7]) || received[8] != ' ' ||
      !std::all_of(&received[9], &received[9] + 3, ascii::is_digit) || (after != ' ' && after != '\r'))
    return no_http;
  const int status = (received[9] - '0') * 100 + (received[10] - '0') * 10 + (received[11] - '0');
  const bool good = std::any_of(expected.begin(), expected.end(), [&](const contract::StatusRange& range) {
    return status >= range.first && status <= range.last;
  });
  return {true, good, good ? "" : fmt::format("status {}", status)};
}

}  // namespace headgate::node
