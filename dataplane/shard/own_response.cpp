// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/own_response.hpp"

namespace headgate::shard {

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
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
    default:  // a phrase may be empty (RFC 9112 section 4)
      return "";
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
