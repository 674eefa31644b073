// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/own_response.hpp"

namespace headgate::shard {

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
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
