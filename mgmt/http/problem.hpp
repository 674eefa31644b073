// SPDX-License-Identifier: Apache-2.0
// Problem: what a refused request is answered with (RFC 9457), with every error and its place at once. Plain
// values, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mgmt/http/message.hpp"

namespace headgate::http {

struct ProblemError {
  std::string pointer;  // JSON pointer into the request's body; empty: the whole of it
  std::string code;     // snake_case, stable
  std::string detail;   // a sentence

  friend bool operator==(const ProblemError&, const ProblemError&) = default;
};

struct Problem {
  int status = 500;
  std::string detail;  // a sentence: what is wrong and what to do
  std::vector<ProblemError> errors;
  std::vector<std::pair<std::string, std::string>> headers;  // "Allow", "WWW-Authenticate", …
};

std::string pointer_token(std::string_view key);  // escaped as RFC 6901 asks
std::string_view reason_phrase(int status);
Response to_response(const Problem& problem);

}  // namespace headgate::http
