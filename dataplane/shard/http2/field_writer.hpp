// SPDX-License-Identifier: Apache-2.0
// FieldWriter: the model as a list of fields, as libnghttp2 takes them; the HTTP/2 counterpart of
// http1/serialise. The library copies what it is given, so the list serves the next message at once. Thread:
// the session's.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "dataplane/l7/http_message.hpp"

namespace headgate::shard::http2 {

class FieldWriter {
 public:
  // `date` stands in where the response has none.
  void write(const l7::ResponseHead& response, std::string_view date);
  // What asks for a WebSocket as the extended CONNECT of RFC 8441.
  void write(const l7::RequestHead& request, std::string_view scheme);
  void write_trailers(const l7::Headers& trailers);

  const nghttp2_nv* data() const { return fields_.data(); }
  std::size_t size() const { return fields_.size(); }

 private:
  void put(std::string_view name, std::string_view value);
  void put_all(const l7::Headers& headers);
  void put_handshake(const l7::Headers& headers);
  std::string_view digits(uint64_t number);

  std::vector<nghttp2_nv> fields_;
  std::array<char, 64> numbers_{};
  std::size_t numbers_used_ = 0;
  std::string authority_;
  std::string path_;
};

}  // namespace headgate::shard::http2
