// SPDX-License-Identifier: Apache-2.0
// Limits by source and by memory, seen at the socket.
#include "dataplane/shard/pressure.hpp"

#include <gtest/gtest.h>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

constexpr const char* kRequest = "GET / HTTP/1.1\r\nhost: nobody\r\n\r\n";  // answered by the shard: 404

TEST(Pressure, ASourceIsAnIpv4AddressOrAnIpv6Network) {
  const Pressure pressure;
  const auto source = [&](const char* address) { return pressure.source_of(*IpAddress::parse(address)); };
  EXPECT_EQ(source("192.0.2.1"), source("192.0.2.1"));
  EXPECT_NE(source("192.0.2.1"), source("192.0.2.2"));
  EXPECT_EQ(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::7"));
  EXPECT_NE(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
  EXPECT_NE(Pressure().source_of(*IpAddress::parse("192.0.2.1")), source("192.0.2.1")) << "the secret";
}

class PressureLimits : public ShardFixture {};

TEST_F(PressureLimits, ASourceHoldsNoMoreConnectionsThanItMay) {
  settings_.connections_max_per_source = 2;
  start();
  auto first = connect();
  first.send(kRequest);
  EXPECT_TRUE(first.read_head().starts_with("HTTP/1.1 404 "));
  {
    auto second = connect();
    second.send(kRequest);
    EXPECT_TRUE(second.read_head().starts_with("HTTP/1.1 404 "));
    auto third = connect();
    EXPECT_TRUE(third.read_head().starts_with("HTTP/1.1 429 "));
    EXPECT_TRUE(third.at_end());
    EXPECT_TRUE(counts(1, "sources_refused_total"));
  }
  // The second has gone: its place is free once its end has been read.
  EXPECT_TRUE(counts(2, "connections_closed_total"));
  auto fourth = connect();
  fourth.send(kRequest);
  EXPECT_TRUE(fourth.read_head().starts_with("HTTP/1.1 404 "));
}

TEST_F(PressureLimits, TrustedProxiesAreNotCounted) {
  settings_.connections_max_per_source = 1;
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start();
  auto first = connect();
  auto second = connect();
  for (auto* client : {&first, &second}) {
    client->send(kRequest);
    EXPECT_TRUE(client->read_head().starts_with("HTTP/1.1 404 "));
  }
}

TEST_F(PressureLimits, ClientsThatAProxyNamesAreCounted) {
  settings_.connections_max_per_source = 1;
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  proxy_protocol_ = true;
  start();
  const auto ask = [&](const std::string& from) {
    auto client = connect();
    client.send("PROXY TCP4 " + from + " 192.0.2.100 4000 80\r\n" + kRequest);
    return std::pair(client.read_head().substr(9, 3), std::move(client));
  };
  const auto first = ask("192.0.2.1"), again = ask("192.0.2.1"), other = ask("192.0.2.2");
  EXPECT_EQ(first.first, "404");
  EXPECT_EQ(again.first, "429");
  EXPECT_EQ(other.first, "404");
}

TEST_F(PressureLimits, ShortOfMemoryItAnswersAndTakesNoMore) {
  memory_max_bytes_ = 1;
  start();
  auto kept = connect();
  kept.send("HEAD / HTTP/1.1\r\nhost: nobody\r\n\r\n");
  EXPECT_TRUE(kept.read_head().starts_with("HTTP/1.1 404 "));
  shard_->look_at_memory(monotonic_now());
  kept.send(kRequest);
  const std::string refused = kept.read_head();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("connection: close"), std::string::npos) << refused;
  EXPECT_TRUE(connect().read_head().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(counts(1, "exchanges_total", "overloaded"));
  EXPECT_TRUE(counts(1, "connections_refused_total"));
  const auto notices = shard_->notices();
  EXPECT_TRUE(std::any_of(notices.begin(), notices.end(), [](const contract::Notice& notice) {
    return notice.code == "memory_short" && !notice.text.empty();
  }));
}

}  // namespace
}  // namespace headgate::shard
