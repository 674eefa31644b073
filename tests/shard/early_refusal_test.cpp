// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/early_refusal.hpp"

#include <gtest/gtest.h>

#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {
namespace {

class EarlyRefusalTest : public TlsFixture {};

TEST_F(EarlyRefusalTest, SaysWhyWhereHttpIsSpoken) {
  settings_.connections_max_per_source = 1;
  start();
  auto first = connect();
  first.send("HEAD / HTTP/1.1\r\nhost: nobody\r\n\r\n");
  EXPECT_TRUE(first.read_head().starts_with("HTTP/1.1 404 "));
  auto second = connect();
  EXPECT_EQ(second.read_all(),
            "HTTP/1.1 429 Too Many Requests\r\nserver: headgate\r\ncontent-length: 0\r\nretry-after: 1\r\n"
            "connection: close\r\n\r\n");
}

TEST_F(EarlyRefusalTest, SaysNothingWhereTlsComesFirst) {
  settings_.connections_max_per_source = 1;
  start_tls({issue("app", "DNS:app.example")});
  auto first = peer();
  ASSERT_TRUE(first.handshake()) << first.why_not();
  auto second = connect();
  EXPECT_EQ(second.read_all(), "");
  EXPECT_TRUE(counts(1, "sources_refused_total"));
}

}  // namespace
}  // namespace headgate::shard
