// SPDX-License-Identifier: Apache-2.0
// Filters: what is done to a request and its response beside forwarding it: on a rule, or on one entry of its
// forward. dataplane/l7/policy does it, in the order of the members of Filters. Plain values, part of
// objects.hpp's Route; a member's JSON key stands in kFields.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/boxed.hpp"
#include "dataplane/contract/fields.hpp"
#include "dataplane/core/ip_address.hpp"

namespace headgate::contract {

enum class PathEditType : uint8_t { kFull, kPrefix };          // "full" "prefix"
enum class RateKey : uint8_t { kAll, kClient, kHeader };       // "all" "client" "header"
enum class ContentCoding : uint8_t { kZstd, kBrotli, kGzip };  // "zstd" "br" "gzip"

struct NamedValue {
  std::string name;  // of a header, lower case
  std::string value;

  static constexpr auto kFields =
      std::tuple{field("name", &NamedValue::name), field("value", &NamedValue::value)};
  friend bool operator==(const NamedValue&, const NamedValue&) = default;
};

// In this order: set replaces every field of the name, add leaves those that are there, remove takes all.
struct HeaderEdit {
  std::vector<NamedValue> set;
  std::vector<NamedValue> add;
  std::vector<std::string> remove;  // lower case

  static constexpr auto kFields = std::tuple{field("set", &HeaderEdit::set), field("add", &HeaderEdit::add),
                                             field("remove", &HeaderEdit::remove)};
  friend bool operator==(const HeaderEdit&, const HeaderEdit&) = default;
};

// The whole path, or that part of it which the rule's prefix match has matched.
struct PathEdit {
  PathEditType type = PathEditType::kFull;
  std::string value;

  static constexpr auto kFields =
      std::tuple{field("type", &PathEdit::type), field("value", &PathEdit::value)};
  friend bool operator==(const PathEdit&, const PathEdit&) = default;
};

// What is not given stays as the client asked for it.
struct Redirect {
  std::string scheme;    // "http", "https" or empty
  std::string hostname;  // lower case
  std::optional<PathEdit> path;
  uint16_t port = 0;  // 0: the scheme's own where a scheme is given, else the listener's
  uint16_t status = 302;

  static constexpr auto kFields = std::tuple{
      field("scheme", &Redirect::scheme), field("hostname", &Redirect::hostname),
      field("path", &Redirect::path), field("port", &Redirect::port), field("status", &Redirect::status)};
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

struct Rewrite {
  std::string hostname;  // lower case
  std::optional<PathEdit> path;

  static constexpr auto kFields =
      std::tuple{field("hostname", &Rewrite::hostname), field("path", &Rewrite::path)};
  friend bool operator==(const Rewrite&, const Rewrite&) = default;
};

struct DirectResponse {
  uint16_t status = 200;
  std::string body;
  std::vector<NamedValue> headers;

  static constexpr auto kFields =
      std::tuple{field("status", &DirectResponse::status), field("body", &DirectResponse::body),
                 field("headers", &DirectResponse::headers)};
  friend bool operator==(const DirectResponse&, const DirectResponse&) = default;
};

// The Gateway API's HTTPCORSFilter. "*" in a list: all; an origin may have it in place of its first labels.
struct Cors {
  std::vector<std::string> origins;
  std::vector<std::string> methods;
  std::vector<std::string> headers;
  std::vector<std::string> expose;
  std::chrono::milliseconds max_age{5'000};
  bool credentials = false;

  static constexpr auto kFields =
      std::tuple{field("origins", &Cors::origins), field("methods", &Cors::methods),
                 field("headers", &Cors::headers), field("expose", &Cors::expose),
                 field("max_age", &Cors::max_age), field("credentials", &Cors::credentials)};
  friend bool operator==(const Cors&, const Cors&) = default;
};

// By the client's address as the listener believes it. Deny wins; an allow that names somebody denies the
// others.
struct IpAccess {
  std::vector<Prefix> allow;
  std::vector<Prefix> deny;

  static constexpr auto kFields =
      std::tuple{field("allow", &IpAccess::allow), field("deny", &IpAccess::deny)};
  friend bool operator==(const IpAccess&, const IpAccess&) = default;
};

// Of one replica: `requests` in `period`, of which `burst` may come at once. A client is an IPv4 address, or
// the /64 of an IPv6 address.
struct RateLimit {
  uint32_t requests = 1;
  std::chrono::milliseconds period{1'000};
  uint32_t burst = 1;
  RateKey key = RateKey::kAll;
  std::string header;  // where the key is kHeader: lower case; requests without it share one limit

  static constexpr auto kFields = std::tuple{
      field("requests", &RateLimit::requests), field("period", &RateLimit::period),
      field("burst", &RateLimit::burst), field("key", &RateLimit::key), field("header", &RateLimit::header)};
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// Of responses whose type is among `types` ("text/html", or "text/*") and that are not shorter; whose length
// is not known are. Of the codings that a client likes alike the first is taken.
struct Compression {
  std::vector<ContentCoding> codings;
  std::vector<std::string> types;  // lower case
  uint64_t bytes_min = 1024;

  static constexpr auto kFields =
      std::tuple{field("codings", &Compression::codings), field("types", &Compression::types),
                 field("bytes_min", &Compression::bytes_min)};
  friend bool operator==(const Compression&, const Compression&) = default;
};

// The body is read whole before an endpoint is chosen, and sent with its length; one that is longer is
// refused.
struct BufferRequest {
  uint64_t max_bytes = 0;

  static constexpr auto kFields = std::tuple{field("max_bytes", &BufferRequest::max_bytes)};
  friend bool operator==(const BufferRequest&, const BufferRequest&) = default;
};

// A copy of so many requests of a hundred goes to that pool too, and what it answers is thrown away.
struct Mirror {
  std::string pool;  // Pool::uid; empty where the reference is unresolved: nothing is copied
  uint32_t percent = 100;

  static constexpr auto kFields =
      std::tuple{field("pool", &Mirror::pool), field("percent", &Mirror::percent)};
  friend bool operator==(const Mirror&, const Mirror&) = default;
};

struct Filters {
  Boxed<IpAccess> ip_access;
  Boxed<RateLimit> rate_limit;
  Boxed<Cors> cors;
  Boxed<Redirect> redirect;
  Boxed<DirectResponse> direct_response;
  Boxed<HeaderEdit> request_headers;
  Boxed<Rewrite> rewrite;
  Boxed<HeaderEdit> response_headers;
  Boxed<Compression> compression;
  Boxed<BufferRequest> buffer_request;
  std::vector<Mirror> mirror;

  static constexpr auto kFields = std::tuple{field("ip_access", &Filters::ip_access),
                                             field("rate_limit", &Filters::rate_limit),
                                             field("cors", &Filters::cors),
                                             field("redirect", &Filters::redirect),
                                             field("direct_response", &Filters::direct_response),
                                             field("request_headers", &Filters::request_headers),
                                             field("rewrite", &Filters::rewrite),
                                             field("response_headers", &Filters::response_headers),
                                             field("compression", &Filters::compression),
                                             field("buffer_request", &Filters::buffer_request),
                                             field("mirror", &Filters::mirror)};
  friend bool operator==(const Filters&, const Filters&) = default;
};

}  // namespace headgate::contract
