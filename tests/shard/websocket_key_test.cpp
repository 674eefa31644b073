// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/websocket_key.hpp"

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

TEST(WebsocketKey, TheProofIsThatOfTheRfc) {  // RFC 6455 section 1.3
  Arena arena;
  EXPECT_EQ(websocket_proof("dGhlIHNhbXBsZSBub25jZQ==", arena), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebsocketKey, IsSixteenBytesInBase64) {
  Arena arena;
  EXPECT_EQ(make_websocket_key(0, 0, arena), "AAAAAAAAAAAAAAAAAAAAAA==");
  EXPECT_EQ(make_websocket_key(UINT64_MAX, UINT64_MAX, arena), "/////////////////////w==");
  EXPECT_NE(make_websocket_key(1, 2, arena), make_websocket_key(2, 1, arena));
}

}  // namespace
}  // namespace headgate::shard
