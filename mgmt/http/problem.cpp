// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/problem.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace headgate::http {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr std::array kPhrases{
    Phrase{100, "Continue"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{304, "Not Modified"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{411, "Length Required"},
    Phrase{412, "Precondition Failed"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{422, "Unprocessable Content"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{503, "Service Unavailable"},
    Phrase{507, "Insufficient Storage"},
};

}  // namespace

std::string pointer_token(std::string_view key) {
  std::string escaped;
  for (const char c : key) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

std::string_view reason_phrase(int status) {
  const auto found =
      std::find_if(kPhrases.begin(), kPhrases.end(), [&](const Phrase& p) { return p.status == status; });
  return found == kPhrases.end() ? std::string_view("Unknown") : found->text;
}

Response to_response(const Problem& problem) {
  nlohmann::ordered_json body{{"type", "about:blank"},
                              {"title", reason_phrase(problem.status)},
                              {"status", problem.status},
                              {"detail", problem.detail}};
  if (!problem.errors.empty()) {
    auto& errors = body["errors"] = nlohmann::ordered_json::array();
    for (const auto& error : problem.errors)
      errors.push_back({{"pointer", error.pointer}, {"code", error.code}, {"detail", error.detail}});
  }
  // What a client sent may be quoted in a detail and need not be UTF-8.
  return Response{problem.status, problem.headers, "application/problem+json",
                  body.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"};
}

}  // namespace headgate::http
