// SPDX-License-Identifier: Apache-2.0
// Request and Response as the handlers see them: values, no socket and no library behind them, so that
// every handler is tested by calling it. A Responder may be called from any thread, once, also long after the
// handler has returned: that is how a long poll waits without a thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/http/departure.hpp"

namespace headgate::http {

struct Request {
  std::string method;                        // "GET"
  std::string path;                          // as sent, without the query
  std::vector<std::string> segments;         // of the path, percent-decoded one by one: "%2F" is no separator
  std::map<std::string, std::string> query;  // percent-decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::shared_ptr<Departure> departure = std::make_shared<Departure>();  // of its client, never null

  // Empty where it is missing.
  std::string_view header(const std::string& lower_case_name) const;
  std::string_view parameter(const std::string& name) const;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type;  // empty: no body
  std::string body;
};

using Responder = std::function<void(Response)>;
using Handler = std::function<void(Request, Responder)>;

// Splits and decodes; false where a percent sign is not followed by two hex digits, or a NUL comes out.
bool split_path(std::string_view path, std::vector<std::string>& segments);
bool percent_decode(std::string_view text, std::string& decoded);

}  // namespace headgate::http
