// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/http_message.hpp"

#include <array>
#include <cstring>

namespace headgate::l7 {
namespace {

constexpr std::array<std::string_view, 28> kNames{"",
                                                  "authorization",
                                                  "client-cert",
                                                  "client-cert-chain",
                                                  "connection",
                                                  "content-length",
                                                  "content-type",
                                                  "cookie",
                                                  "date",
                                                  "expect",
                                                  "forwarded",
                                                  "headgate-context",
                                                  "host",
                                                  "http2-settings",
                                                  "keep-alive",
                                                  "proxy-connection",
                                                  "server",
                                                  "te",
                                                  "traceparent",
                                                  "tracestate",
                                                  "trailer",
                                                  "transfer-encoding",
                                                  "upgrade",
                                                  "x-forwarded-for",
                                                  "x-forwarded-host",
                                                  "x-forwarded-port",
                                                  "x-forwarded-proto",
                                                  "x-request-id"};
static_assert(kNames.size() == static_cast<std::size_t>(HeaderId::kXRequestId) + 1);

constexpr std::size_t kNameBytesMax = 17;

// Names of each length, so that a lookup compares with two or three names of the right length at most.
struct ByLength {
  std::array<std::array<HeaderId, 4>, kNameBytesMax + 1> ids{};
};
constexpr ByLength index_by_length() {
  ByLength index;
  std::array<std::size_t, kNameBytesMax + 1> used{};
  for (std::size_t id = 1; id < kNames.size(); ++id)
    index.ids[kNames[id].size()][used[kNames[id].size()]++] = static_cast<HeaderId>(id);
  return index;
}
constexpr ByLength kByLength = index_by_length();

}  // namespace

HeaderId header_id(std::string_view lower_case_name) {
  if (lower_case_name.size() > kNameBytesMax) return HeaderId::kOther;
  for (const HeaderId id : kByLength.ids[lower_case_name.size()]) {
    if (id == HeaderId::kOther) break;
    if (header_name(id) == lower_case_name) return id;
  }
  return HeaderId::kOther;
}

std::string_view header_name(HeaderId id) { return kNames[static_cast<std::size_t>(id)]; }

std::string_view name_of(Version version) {
  static constexpr std::array<std::string_view, 3> kVersions{"http/1.0", "http/1.1", "http/2"};
  return kVersions[static_cast<std::size_t>(version)];
}

Method parse_method(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kMethods{"GET",     "HEAD",  "POST",  "PUT",    "DELETE",
                                                            "OPTIONS", "PATCH", "TRACE", "CONNECT"};
  for (std::size_t i = 0; i < kMethods.size(); ++i)
    if (kMethods[i] == text) return static_cast<Method>(i);
  return Method::kOther;
}

void copy_request(const RequestHead& from, Arena& arena, RequestHead& into) {
  into = from;
  into.method_text = arena.copy(from.method_text);
  into.host = arena.copy(from.host);
  into.path = arena.copy(from.path);
  if (from.query) into.query = arena.copy(*from.query);
  into.headers.clear();
  for (const auto& field : from.headers)
    into.headers.add({field.id == HeaderId::kOther ? arena.copy(field.name) : header_name(field.id),
                      arena.copy(field.value), field.id});
}

}  // namespace headgate::l7
