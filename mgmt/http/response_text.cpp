// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/response_text.hpp"

#include <fmt/format.h>

#include "dataplane/core/assert.hpp"
#include "mgmt/http/problem.hpp"

namespace headgate::http {
namespace {

// A value that came from outside (a name in a Location) must not start a header of its own.
bool is_one_line(std::string_view value) { return value.find_first_of("\r\n") == std::string_view::npos; }

}  // namespace

std::string to_text(const Response& response, ResponseForm form) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const auto& [name, value] : response.headers) {
    HG_ASSERT(is_one_line(name) && is_one_line(value));
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!response.content_type.empty())
    text.append("Content-Type: ").append(response.content_type).append("\r\n");
  // RFC 9110 section 8.6: none with 1xx and 204.
  if (response.status >= 200 && response.status != 204)
    text += fmt::format("Content-Length: {}\r\n", response.body.size());
  text += form.close ? "Connection: close\r\n\r\n" : "\r\n";
  const bool has_body = !form.head_only && response.status != 204 && response.status != 304;
  if (has_body) text += response.body;
  return text;
}

}  // namespace headgate::http
