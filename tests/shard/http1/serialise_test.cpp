// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/serialise.hpp"

#include <string>

#include <gtest/gtest.h>

namespace headgate::shard::http1 {
namespace {

using l7::BodyFraming;
using l7::Version;

std::string text_of(const l7::RequestHead& request) {
  std::string out(request_bytes_max(request), '\0');
  out.resize(static_cast<std::size_t>(write_request(request, out.data()) - out.data()));
  return out;
}
std::string text_of(const l7::ResponseHead& response, const ClientSide& client) {
  std::string out(response_bytes_max(response), '\0');
  out.resize(static_cast<std::size_t>(write_response(response, client, out.data()) - out.data()));
  return out;
}

TEST(Serialise, ARequestSaysItsFramingOnce) {
  l7::RequestHead request;
  request.method_text = "PUT";
  request.host = "a.example";
  request.port = 8080;
  request.path = "/p";
  request.query = "";
  request.headers.add({"x", "y"});
  request.framing = BodyFraming::kLength;
  request.content_length = 12;
  request.expect_continue = true;
  EXPECT_EQ(text_of(request),
            "PUT /p? HTTP/1.1\r\nhost: a.example:8080\r\nx: y\r\ncontent-length: 12\r\nexpect: "
            "100-continue\r\n\r\n");
  request.framing = BodyFraming::kChunked;
  request.expect_continue = false;
  request.te_trailers = true;
  EXPECT_EQ(text_of(request),
            "PUT /p? HTTP/1.1\r\nhost: a.example:8080\r\nx: y\r\ntransfer-encoding: chunked\r\nconnection: "
            "te\r\nte: "
            "trailers\r\n\r\n");
}

TEST(Serialise, AResponseFitsTheClientsVersion) {
  l7::ResponseHead response;
  response.reason = "OK";
  response.framing = BodyFraming::kUntilClose;
  EXPECT_EQ(client_framing(response, Version::kHttp11), BodyFraming::kChunked);
  EXPECT_EQ(client_framing(response, Version::kHttp10), BodyFraming::kUntilClose);
  EXPECT_EQ(text_of(response, {.framing = BodyFraming::kChunked, .date = "D"}),
            "HTTP/1.1 200 OK\r\ndate: D\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(text_of(response, {.version = Version::kHttp10,
                               .framing = BodyFraming::kUntilClose,
                               .keep_alive = false,
                               .date = {}}),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
  response.has_content_length = true;
  response.content_length = 0;
  EXPECT_EQ(text_of(response, {.version = Version::kHttp10, .date = {}}),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
  response.headers.add(l7::HeaderId::kDate, "theirs");
  EXPECT_EQ(text_of(response, {.date = "ours"}),
            "HTTP/1.1 200 OK\r\ndate: theirs\r\ncontent-length: 0\r\n\r\n");
}

TEST(Serialise, Chunks) {
  char out[kChunkHeadBytesMax];
  EXPECT_EQ(std::string(out, write_chunk_head(0x1f, out)), "1f\r\n");
  EXPECT_EQ(std::string(out, write_chunk_head(UINT64_MAX, out)), "ffffffffffffffff\r\n");
  l7::Headers trailers;
  trailers.add({"x", "y"});
  std::string last(trailers_bytes_max(trailers), '\0');
  last.resize(static_cast<std::size_t>(write_last_chunk(trailers, last.data()) - last.data()));
  EXPECT_EQ(last, "0\r\nx: y\r\n\r\n");
}

}  // namespace
}  // namespace headgate::shard::http1
