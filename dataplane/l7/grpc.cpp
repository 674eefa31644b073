// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/grpc.hpp"

#include "dataplane/core/limits.hpp"
#include "dataplane/l7/field_text.hpp"

namespace headgate::l7 {
namespace {

constexpr std::string_view kGrpc = "application/grpc";

}  // namespace

bool speaks_grpc(const RequestHead& request) {
  if (request.version != Version::kHttp2) return false;
  const auto* type = request.headers.find(HeaderId::kContentType);
  if (!type || !equals_ignoring_case(type->value.substr(0, kGrpc.size()), kGrpc)) return false;
  const auto rest = type->value.substr(kGrpc.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';';
}

std::string_view grpc_status_of(uint16_t http_status) {
  switch (http_status) {
    case 400:
      return "13";  // INTERNAL
    case 401:
      return "16";  // UNAUTHENTICATED
    case 403:
      return "7";  // PERMISSION_DENIED
    case 404:
      return "12";  // UNIMPLEMENTED
    case 429:
    case 502:
    case 503:
    case 504:
      return "14";  // UNAVAILABLE
    default:
      return "2";  // UNKNOWN
  }
}

// Percent-encoded but for what is printable in ASCII, and % itself.
std::string_view grpc_message(std::string_view message, Arena& arena) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  char* const begin = arena.allocate(3 * message.size());
  char* at = begin;
  for (const char c : message) {
    if (c >= ' ' && c <= '~' && c != '%') {
      *at++ = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    for (const char part : {'%', kHex[byte >> 4], kHex[byte & 15]}) *at++ = part;
  }
  arena.shrink_last(at);
  return {begin, static_cast<std::size_t>(at - begin)};
}

void tell_by_grpc(ResponseHead& head, std::string_view message, Arena& arena) {
  message = message.substr(0, limits::kGrpcMessageBytesMax);
  if (message.ends_with('\n')) message.remove_suffix(1);
  head.headers.remove(HeaderId::kContentType);
  head.headers.add(HeaderId::kContentType, kGrpc);
  head.headers.add({"grpc-status", grpc_status_of(head.status), HeaderId::kOther});
  head.headers.add({"grpc-message", grpc_message(message, arena), HeaderId::kOther});
  head.status = 200;
  head.reason = "OK";
}

}  // namespace headgate::l7
