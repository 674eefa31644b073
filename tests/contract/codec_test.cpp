// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/codec.hpp"

#include <gtest/gtest.h>

namespace headgate::contract {
namespace {

TEST(Codec, EveryMessageSurvivesARoundTrip) {
  const std::vector<Message> messages{
      Hello{.process = "shard/edge/0", .build = "0.1", .pid = 42, .revision = 7},
      Acknowledgement{.revision = 7, .applied = false, .reason = "no memory"},
      Notice{.code = "hugepages_missing", .text = "using 4 KiB pages", .fault = false},
      CommandResult{.id = "c1", .ok = true, .body = "{}"},
      Stats{{Sample{.name = "rx_packets_total", .labels = {{"worker", "0"}}, .value = UINT64_MAX}}},
      HealthDelta{.full = true,
                  .upserts = {{{"pool", "a:80"}, {{*Endpoint::parse("[::1]:80"), false, "refused"}}}},
                  .removals = {{"pool", "b:80"}}},
      SocketSet{{Socket{*Endpoint::parse("192.0.2.1:80"), *Endpoint::parse("198.19.255.1:1024"), 3}}},
      SocketsWanted{},
      Secrets{{Secret{.digest = std::string(64, 'a'), .bytes = "-----BEGIN PRIVATE KEY-----\n"}}},
      Command{.id = "c1", .verb = "explain", .body = "{}"},
      Stop{.drain_timeout = Millis(5000)},
  };
  for (const auto& message : messages) {
    const auto text = encode(message);
    const auto decoded = decode_message(text);
    ASSERT_TRUE(decoded.ok()) << text << ": " << decoded.error().message;
    EXPECT_EQ(encode(*decoded), text);
    EXPECT_EQ(decoded->index(), message.index());
  }
}

TEST(Codec, ErrorsSayWhere) {
  const auto refused = decode_message(R"({"type":"sockets","sockets":[{"thread":0},{"thread":-1}]})");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "/sockets/1/thread: expected an integer of 32 bits");
}

TEST(Codec, HostileTextIsRefused) {
  for (
      const std::string& text :
      {std::string(), std::string("{"), std::string("[]"), std::string("null"),
       std::string(R"({"type":"hello","pid":"1"})"), std::string(R"({"type":"no_such"})"),
       std::string(R"({"type":3})"), std::string(100'000, '['),
       std::string(R"({"type":"configure","delta":{"upserts":[{"audience":"l4","kind":"pool","id":"x"}]}})"),
       std::string(
           R"({"type":"configure","delta":{"upserts":[{"audience":"l4","kind":"nothing","id":"x","object":{}}]}})")})
    EXPECT_FALSE(decode_message(text).ok()) << text.substr(0, 80);
}

TEST(Codec, ReaderTakesWhatAnotherReleaseWrote) {
  const auto hello = decode_message(R"({"type":"hello","process":"l4","unknown_later_field":{"a":1}})");
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(std::get<Hello>(*hello).process, "l4");
}

}  // namespace
}  // namespace headgate::contract
