// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/serialise.hpp"

#include <charconv>
#include <cstring>

namespace headgate::shard::http1 {
namespace {

using l7::BodyFraming;
using l7::HeaderId;
using l7::Version;

// All that the functions below write beside the model's own views.
constexpr std::size_t kFixedBytesMax = 320;

char* put(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());  // an empty view may point nowhere
  return out + text.size();
}
char* put_number(char* out, uint64_t number) { return std::to_chars(out, out + 20, number).ptr; }

char* put_field(char* out, std::string_view name, std::string_view value) {
  out = put(out, name);
  *out++ = ':';
  *out++ = ' ';
  out = put(out, value);
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

char* put_fields(char* out, const l7::Headers& headers) {
  for (const auto& field : headers) out = put_field(out, field.name, field.value);
  return out;
}

char* put_length(char* out, uint64_t length_bytes) {
  out = put(out, "content-length: ");
  out = put_number(out, length_bytes);
  return put(out, "\r\n");
}

std::size_t fields_bytes(const l7::Headers& headers) {
  std::size_t bytes = 0;
  for (const auto& field : headers) bytes += field.name.size() + field.value.size() + 4;
  return bytes;
}

}  // namespace

std::size_t request_bytes_max(const l7::RequestHead& request) {
  return kFixedBytesMax + request.method_text.size() + request.path.size() +
         (request.query ? request.query->size() : 0) + request.host.size() + fields_bytes(request.headers);
}

std::size_t response_bytes_max(const l7::ResponseHead& response) {
  return kFixedBytesMax + response.reason.size() + fields_bytes(response.headers);
}

std::size_t trailers_bytes_max(const l7::Headers& trailers) { return 8 + fields_bytes(trailers); }

char* write_request(const l7::RequestHead& request, char* out) {
  out = put(out, request.method_text);
  *out++ = ' ';
  out = put(out, request.path);
  if (request.query) {
    *out++ = '?';
    out = put(out, *request.query);
  }
  out = put(out, " HTTP/1.1\r\nhost: ");
  out = put(out, request.host);
  if (request.port) {
    *out++ = ':';
    out = put_number(out, *request.port);
  }
  out = put(out, "\r\n");
  out = put_fields(out, request.headers);
  if (request.framing == BodyFraming::kLength) out = put_length(out, request.content_length);
  if (request.framing == BodyFraming::kChunked) out = put(out, "transfer-encoding: chunked\r\n");
  if (request.expect_continue) out = put(out, "expect: 100-continue\r\n");
  if (request.upgrade_websocket)
    out = put(out, "connection: upgrade\r\nupgrade: websocket\r\n");
  else if (request.te_trailers)
    out = put(out, "connection: te\r\nte: trailers\r\n");
  return put(out, "\r\n");
}

char* write_response(const l7::ResponseHead& response, const ClientSide& client, char* out) {
  out = put(out, "HTTP/1.1 ");  // our own version, whatever the backend's (RFC 9110 section 2.5)
  out = put_number(out, response.status);
  *out++ = ' ';
  out = put(out, response.reason);
  out = put(out, "\r\n");
  out = put_fields(out, response.headers);
  if (response.status < 200) {
    if (response.status == 101) out = put(out, "connection: upgrade\r\nupgrade: websocket\r\n");
    return put(out, "\r\n");
  }
  if (!response.headers.find(HeaderId::kDate) && !client.date.empty())
    out = put_field(out, "date", client.date);
  if (client.framing == BodyFraming::kChunked)
    out = put(out, "transfer-encoding: chunked\r\n");
  else if (response.has_content_length || response.framing == BodyFraming::kLength)
    out = put_length(out, response.content_length);
  if (!client.keep_alive)
    out = put(out, "connection: close\r\n");
  else if (client.version == Version::kHttp10)
    out = put(out, "connection: keep-alive\r\n");
  return put(out, "\r\n");
}

BodyFraming client_framing(const l7::ResponseHead& response, Version client_version) {
  if (response.framing == BodyFraming::kNone || response.framing == BodyFraming::kLength)
    return response.framing;
  return client_version == Version::kHttp11 ? BodyFraming::kChunked : BodyFraming::kUntilClose;
}

char* write_chunk_head(uint64_t length_bytes, char* out) {
  out = std::to_chars(out, out + 16, length_bytes, 16).ptr;
  return put(out, "\r\n");
}

char* write_last_chunk(const l7::Headers& trailers, char* out) {
  out = put(out, "0\r\n");
  out = put_fields(out, trailers);
  return put(out, "\r\n");
}

}  // namespace headgate::shard::http1
