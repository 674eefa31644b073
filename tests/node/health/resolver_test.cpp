// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/resolver.hpp"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "tests/node/health/backend.hpp"

namespace headgate::node {
namespace {

TEST(Resolver, FindsTheAddressesOfAName) {
  EventLoop loop;
  std::optional<Resolved> answer;
  Resolver resolver(loop, [&](const Resolved& resolved) { answer = resolved; });
  resolver.want("localhost");  // in /etc/hosts: no name server needed
  ASSERT_TRUE(turn_until(loop, [&] { return answer.has_value(); }));
  EXPECT_EQ(answer->name, "localhost");
  EXPECT_TRUE(std::all_of(answer->addresses.begin(), answer->addresses.end(),
                          [](const IpAddress& address) { return address.is_loopback(); }));
  EXPECT_FALSE(answer->addresses.empty());
  EXPECT_TRUE(std::is_sorted(answer->addresses.begin(), answer->addresses.end()));
}

TEST(Resolver, SaysWhyThereIsNoAddress) {
  EventLoop loop;
  std::optional<Resolved> answer;
  Resolver resolver(loop, [&](const Resolved& resolved) { answer = resolved; });
  resolver.want("no such name");  // a space is in no host name: refused without asking anybody
  ASSERT_TRUE(turn_until(loop, [&] { return answer.has_value(); }));
  EXPECT_TRUE(answer->addresses.empty());
  EXPECT_FALSE(answer->failure.empty());
}

TEST(Resolver, AnswersToForgottenNamesAreDropped) {
  EventLoop loop;
  std::vector<std::string> names;
  Resolver resolver(loop, [&](const Resolved& resolved) { names.push_back(resolved.name); });
  resolver.want("127.0.0.2");
  resolver.forget("127.0.0.2");
  resolver.want("127.0.0.3");
  ASSERT_TRUE(turn_until(loop, [&] { return !names.empty(); }));
  EXPECT_EQ(names, std::vector<std::string>{"127.0.0.3"});
}

}  // namespace
}  // namespace headgate::node
