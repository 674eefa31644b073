// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/field_writer.hpp"

#include <charconv>

namespace headgate::shard::http2 {

using l7::BodyFraming;
using l7::HeaderId;

void FieldWriter::put(std::string_view name, std::string_view value) {
  // The library reads them only; its type predates const.
  fields_.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                     NGHTTP2_NV_FLAG_NONE});
}

void FieldWriter::put_all(const l7::Headers& headers) {
  for (const auto& field : headers) put(field.name, field.value);
}

// RFC 8441 section 5: without the key, nor anything of a body.
void FieldWriter::put_handshake(const l7::Headers& headers) {
  for (const auto& field : headers)
    if (field.name != "sec-websocket-key") put(field.name, field.value);
}

std::string_view FieldWriter::digits(uint64_t number) {
  char* const begin = numbers_.data() + numbers_used_;
  char* const end = std::to_chars(begin, begin + 20, number).ptr;
  numbers_used_ += static_cast<std::size_t>(end - begin);
  return {begin, static_cast<std::size_t>(end - begin)};
}

void FieldWriter::write(const l7::ResponseHead& response, std::string_view date) {
  fields_.clear();
  numbers_used_ = 0;
  put(":status", digits(response.status));
  put_all(response.headers);
  if (response.status < 200) return;
  if (!response.headers.find(HeaderId::kDate) && !date.empty()) put("date", date);
  if (response.has_content_length) put("content-length", digits(response.content_length));
}

void FieldWriter::write(const l7::RequestHead& request, std::string_view scheme) {
  fields_.clear();
  numbers_used_ = 0;
  authority_ = request.host;
  if (request.port) authority_.append(":").append(digits(*request.port));
  path_ = request.path;
  if (request.query) path_.append("?").append(*request.query);
  put(":method", request.upgrade_websocket ? "CONNECT" : request.method_text);
  if (request.upgrade_websocket) put(":protocol", "websocket");
  put(":scheme", scheme);
  if (!authority_.empty()) put(":authority", authority_);
  put(":path", path_);
  if (request.upgrade_websocket) return put_handshake(request.headers);
  put_all(request.headers);
  if (request.framing == BodyFraming::kLength) put("content-length", digits(request.content_length));
  if (request.expect_continue) put("expect", "100-continue");
  if (request.te_trailers) put("te", "trailers");
}

void FieldWriter::write_trailers(const l7::Headers& trailers) {
  fields_.clear();
  put_all(trailers);
}

}  // namespace headgate::shard::http2
