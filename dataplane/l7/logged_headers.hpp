// SPDX-License-Identifier: Apache-2.0
// LoggedHeaders: the fields of a message's head that a line of the access log repeats, chosen by name. Pure
// and const once built; any thread. What it picks lives in the exchange's arena, not in the message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

// Why a log has no field of that name, in lower case; empty: it may have. Credentials are nothing for a file
// that many read and that is shipped elsewhere. What frames a message is no field of it here
// (http_message.hpp).
std::string_view why_not_logged(std::string_view name);

class LoggedHeaders {
 public:
  LoggedHeaders() = default;
  // What may not be logged is left out here as well as refused at the API, and so is what is over
  // limits::kAccessLogHeadersMax.
  explicit LoggedHeaders(const std::vector<std::string>& names);

  bool empty() const { return names_.empty(); }

  // In the order of the names, each once: several fields of one name are joined by ", " (RFC 9110
  // section 5.3), and what is over limits::kAccessLogHeaderBytesMax is cut off, not within a character of
  // UTF-8.
  void pick(const Headers& from, Arena& arena, Headers& into) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace headgate::l7
