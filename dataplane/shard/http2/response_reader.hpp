// SPDX-License-Identifier: Apache-2.0
// ResponseReader: makes the model of a response out of the fields of an HTTP/2 header section (RFC 9113
// section 8.3.2). TrailerReader: the same for the section behind a body, of either side; a section that
// breaks a rule makes the message malformed, and of a good one the fields that the proxy acts on are dropped.
// Thread: the session's.
#pragma once

#include "dataplane/core/arena.hpp"
#include "dataplane/shard/http1/head_parser.hpp"
#include "dataplane/shard/http2/field_rules.hpp"

namespace headgate::shard::http2 {

class ResponseReader {
 public:
  void start(const http1::HeadLimits& limits, l7::ResponseHead& response, Arena& arena);
  void take(std::string_view name, std::string_view value);
  // `method` is the request's: it decides whether a body follows.
  [[nodiscard]] Fault finish(l7::Method method, bool without_body);

 private:
  Fault take_one(std::string_view name, std::string_view value);

  http1::HeadLimits limits_;
  l7::ResponseHead* response_ = nullptr;
  Arena* arena_ = nullptr;
  Fault fault_ = Fault::kNone;
  uint64_t section_bytes_ = 0;
  bool status_seen_ = false;
  bool regular_seen_ = false;
  std::optional<uint64_t> content_length_;
};

class TrailerReader {
 public:
  void start(l7::Headers& trailers, Arena& arena);
  void take(std::string_view name, std::string_view value);
  [[nodiscard]] Fault finish() const { return fault_; }
  uint64_t section_bytes() const { return section_bytes_; }

 private:
  l7::Headers* trailers_ = nullptr;
  Arena* arena_ = nullptr;
  Fault fault_ = Fault::kNone;
  uint64_t section_bytes_ = 0;
};

}  // namespace headgate::shard::http2
