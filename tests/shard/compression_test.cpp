// SPDX-License-Identifier: Apache-2.0
// Responses compressed on their way, byte for byte: what the backend said, what came to the client.
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/decompress.hpp"

namespace headgate::shard {
namespace {

using testing_support::decompress_gzip;

class CompressionTest : public ShardFixture {
 protected:
  void SetUp() override {
    ShardFixture::SetUp();
    start();
    auto compressing = route();
    auto& compression = compressing.rules[0].filters.emplace().compression.emplace();
    compression.codings = {contract::ContentCoding::kGzip};
    compression.types = {"text/*"};
    apply(delta({settings_, web_listener(), compressing, pool({backend_.port()})}));
    client_ = connect();
  }
  void ask(const std::string& more, const std::string& method = "GET") {
    client_.send(method + " / HTTP/1.1\r\nHost: a\r\n" + more + "\r\n");
    if (!backend) backend = backend_.accept();
    backend.read_head();
  }
  std::string read_chunked() {
    std::string body;
    for (;;) {
      const auto bytes = std::stoul(client_.read_until("\r\n"), nullptr, 16);
      body += client_.read_exactly(bytes);
      client_.read_exactly(2);
      if (bytes == 0) return body;
    }
  }

  SocketPeer client_, backend;
};

constexpr const char* kTakesGzip = "Accept-Encoding: gzip\r\n";

TEST_F(CompressionTest, AClientThatTakesACodingGetsIt) {
  ask(kTakesGzip);
  const std::string body(200'000, 'x');
  backend.send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"1\"\r\nContent-Length: 200000\r\n\r\n" + body);
  const auto head = client_.read_head();
  for (const auto* field : {"content-encoding: gzip\r\n", "vary: Accept-Encoding\r\n", "etag: W/\"1\"\r\n",
                            "transfer-encoding: chunked\r\n"})
    EXPECT_NE(head.find(field), std::string::npos) << field << head;
  EXPECT_EQ(head.find("content-length"), std::string::npos);
  const auto compressed = read_chunked();
  EXPECT_EQ(decompress_gzip(compressed), body);
  EXPECT_LT(compressed.size(), 2000u);
  EXPECT_TRUE(counts(1, "responses_compressed_total"));
  // The connection goes on.
  ask("");
  backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2000\r\n\r\n" +
               std::string(2000, 'y'));
  EXPECT_EQ(client_.read_head().find("content-encoding"), std::string::npos);
  EXPECT_EQ(client_.read_exactly(2000), std::string(2000, 'y'));
}

// Of a body whose end nobody knows, what has come is read before the rest comes.
TEST_F(CompressionTest, AStreamIsNotHeldBack) {
  ask(kTakesGzip);
  backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_NE(client_.read_head().find("content-encoding: gzip\r\n"), std::string::npos);
  std::string compressed;
  for (const std::string event : {"data: 1\n\n", "data: 2\n\n"}) {
    backend.send("9\r\n" + event + "\r\n");
    do {
      const auto bytes = std::stoul(client_.read_until("\r\n"), nullptr, 16);
      compressed += client_.read_exactly(bytes + 2).substr(0, bytes);
    } while (!decompress_gzip(compressed, false)->ends_with(event));
  }
  backend.send("0\r\n\r\n");
  compressed += read_chunked();
  EXPECT_EQ(decompress_gzip(compressed), "data: 1\n\ndata: 2\n\n");
}

TEST_F(CompressionTest, TrailersFollowTheCompressedBody) {
  ask(std::string(kTakesGzip) + "TE: trailers\r\n");
  backend.send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nbody\r\n0\r\nx-sum: 7\r\n\r\n");
  client_.read_head();
  const auto rest = client_.read_until("x-sum: 7\r\n\r\n");
  EXPECT_TRUE(rest.ends_with("\r\n0\r\nx-sum: 7\r\n\r\n")) << rest;
}

TEST_F(CompressionTest, AHeadTellsWhatAGetWouldGet) {
  ask(kTakesGzip, "HEAD");
  backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n");
  const auto head = client_.read_head();
  EXPECT_NE(head.find("content-encoding: gzip\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("content-length"), std::string::npos) << head;
  ask("");
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(client_.read_head().starts_with("HTTP/1.1 204 "));
}

TEST_F(CompressionTest, ABodyThatBreaksOffIsNotMadeWhole) {
  ask(kTakesGzip);
  backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n" +
               std::string(4000, 'z'));
  client_.read_head();
  backend.close();
  EXPECT_FALSE(client_.read_all().ends_with("0\r\n\r\n"));
  EXPECT_TRUE(counts(1, "exchanges_total", "backend_closed"));
}

}  // namespace
}  // namespace headgate::shard
