// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/own_response.hpp"

#include <algorithm>
#include <iterator>

namespace headgate::shard {

namespace {

struct Phrase {
  uint16_t status;
  std::string_view text;
};
// By RFC 9110 section 15, RFC 6585; sorted by status.
constexpr Phrase kPhrases[] = {
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

}  // namespace

std::string_view reason_phrase(uint16_t status) {
  const auto* const found =
      std::lower_bound(std::begin(kPhrases), std::end(kPhrases), status,
                       [](const Phrase& phrase, uint16_t wanted) { return phrase.status < wanted; });
  if (found != std::end(kPhrases) && found->status == status) return found->text;
  return status < 400 ? "Other" : "Error";
}

OwnResponse::OwnResponse(uint16_t status, std::string_view reason, Arena& arena) {
  head.status = status;
  head.reason = reason_phrase(status);
  head.headers.add(l7::HeaderId::kServer, "headgate");
  head.headers.add(l7::HeaderId::kContentType, "text/plain; charset=utf-8");
  body = arena.join({head.reason, ": ", reason, "\n"});
  head.framing = l7::BodyFraming::kLength;
  head.has_content_length = true;
  head.content_length = body.size();
}

}  // namespace headgate::shard
