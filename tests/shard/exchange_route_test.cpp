// SPDX-License-Identifier: Apache-2.0
// What is routed where, at the socket. The rules themselves: l7/router_test.cpp and l7/path_test.cpp.
#include <gmock/gmock.h>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::StartsWith;

// Where it is kept it is a byte of its element: neither the rules nor the backend may take it for a
// separator.
TEST_F(ShardFixture, AnEscapedSlashSeparatesNothing) {
  start();
  auto listener = web_listener();
  listener.escaped_slash = contract::EscapedSlash::kKeep;
  auto prefixed = route();
  prefixed.rules[0].matches[0].path = {contract::PathMatchType::kPrefix, "/a"};
  apply(delta({settings_, listener, prefixed, pool({backend_.port()})}));
  auto client = connect();
  const auto ask = [&](const std::string& path) {
    client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  };
  for (const std::string path : {"/a%2Fb", "/a%2fb/c", "/x%2F/../a%2F"}) {
    ask(path);
    EXPECT_THAT(client.read_until("no_rule\n"), StartsWith("HTTP/1.1 404 ")) << path;
  }
  EXPECT_FALSE(backend_.has_waiting());
  ask("/a/x%2Fy/../b%2fc");
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_head(), StartsWith("GET /a/b%2Fc HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace headgate::shard
