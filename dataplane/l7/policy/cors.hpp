// SPDX-License-Identifier: Apache-2.0
// Cors: the Gateway API's HTTPCORSFilter (Fetch standard, section 3.2): who may read our answers from a page
// of another origin. A preflight is answered here and reaches no backend; every other response loses what the
// backend said of CORS and gets what the filter says. An origin that is not allowed gets no permission, which
// is how a browser is told no. Const once built; any thread. The message's views point into it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/filters.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7::policy {

class Cors {
 public:
  explicit Cors(const contract::Cors& cors);

  bool allows(std::string_view origin) const;
  static bool is_preflight(const RequestHead& request);
  // What a preflight has beside what every response has: edit_response() comes after.
  void answer_preflight(const RequestHead& request, ResponseHead& answer) const;
  // `origin`: the request's; empty where it had none.
  void edit_response(std::string_view origin, ResponseHead& response) const;

 private:
  void permit(std::string_view origin, ResponseHead& response) const;

  std::vector<std::string> origins_;
  std::string methods_;  // as the fields say them; "*" where all are allowed
  std::string headers_;
  std::string expose_;
  std::string max_age_seconds_;
  bool any_origin_ = false;
  bool credentials_ = false;
};

// Whether the pattern covers it: the same, "*", or "scheme://*.rest" for one or more labels before the rest.
bool covers_origin(std::string_view pattern, std::string_view origin);

}  // namespace headgate::l7::policy
