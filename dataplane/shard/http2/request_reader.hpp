// SPDX-License-Identifier: Apache-2.0
// RequestReader: makes the model of a request out of the fields of an HTTP/2 header section, one after the
// other as HPACK gives them, by RFC 9113 section 8.3.1 and the same rules that HTTP/1.1 is held to. What
// begins a WebSocket (RFC 8441) becomes the request that it would be over HTTP/1.1, without a key. Fields
// are taken to the end even after a fault, since the compression state must follow, but no more is kept of
// them. Thread: the session's. `request` and `arena` are the exchange's and outlive it.
#pragma once

#include "dataplane/core/arena.hpp"
#include "dataplane/shard/http1/head_parser.hpp"
#include "dataplane/shard/http2/field_rules.hpp"

namespace headgate::shard::http2 {

class RequestReader {
 public:
  void start(const http1::HeadLimits& limits, l7::RequestHead& request, Arena& arena);
  void take(std::string_view name, std::string_view value);
  // The section is whole. `without_body`: the stream ends with it.
  [[nodiscard]] Fault finish(bool without_body);

  uint64_t section_bytes() const { return section_bytes_; }  // decoded, as section 6.5.2 counts

 private:
  Fault take_pseudo(std::string_view name, std::string_view value);
  Fault take_field(std::string_view name, std::string_view value);
  Fault set_pseudo(std::string_view& place, std::string_view value);
  Fault set_target();
  Fault set_path();
  Fault set_connect();
  void set_websocket();
  Fault set_authority();
  Fault set_length(bool without_body);
  void join_cookies();

  http1::HeadLimits limits_;
  l7::RequestHead* request_ = nullptr;
  Arena* arena_ = nullptr;
  Fault fault_ = Fault::kNone;
  uint64_t section_bytes_ = 0;
  std::size_t field_count_ = 0;
  std::size_t cookies_ = 0;
  bool regular_seen_ = false;
  std::string_view method_;
  std::string_view scheme_;
  std::string_view authority_;
  std::string_view path_;
  std::string_view protocol_;
  std::string_view host_;
  bool host_seen_ = false;
  std::optional<uint64_t> content_length_;
};

}  // namespace headgate::shard::http2
