// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/redirect.hpp"

#include <gtest/gtest.h>

namespace headgate::l7::policy {
namespace {

struct Reached {
  std::string_view scheme = "http";
  std::string_view port = "80";
};

std::string location(const contract::Redirect& redirect, Reached reached = {}) {
  RequestHead request;
  request.host = "app.example";
  request.path = "/foo/bar";
  request.query = "q=1";
  ForwardedFacts facts;
  facts.scheme = reached.scheme;
  facts.port = reached.port;
  Arena arena;
  return std::string(redirect_location(redirect, request, facts, "/foo", arena));
}

TEST(Redirect, KeepsWhatItDoesNotSay) {
  EXPECT_EQ(location({}), "http://app.example/foo/bar?q=1");
  contract::Redirect redirect;
  redirect.hostname = "new.example";
  EXPECT_EQ(location(redirect), "http://new.example/foo/bar?q=1");
  redirect.path = contract::PathEdit{contract::PathEditType::kFull, "/all"};
  EXPECT_EQ(location(redirect), "http://new.example/all?q=1");
  redirect.path = contract::PathEdit{contract::PathEditType::kPrefix, "/xyz"};
  EXPECT_EQ(location(redirect), "http://new.example/xyz/bar?q=1");
}

TEST(Redirect, IsRelativeWhereNobodyNamedAHost) {
  RequestHead request;
  request.path = "/foo";
  Arena arena;
  EXPECT_EQ(redirect_location({}, request, {}, std::nullopt, arena), "/foo");
}

TEST(Redirect, ThePortFollowsTheGatewayApi) {
  const auto authority = [](std::string scheme, uint16_t port, Reached reached) {
    contract::Redirect redirect;
    redirect.scheme = std::move(scheme);
    redirect.port = port;
    const auto text = location(redirect, reached);
    return text.substr(0, text.find("/foo"));
  };
  EXPECT_EQ(authority("", 0, {"http", "8080"}), "http://app.example:8080") << "the listener's";
  EXPECT_EQ(authority("", 0, {"https", "443"}), "https://app.example");
  EXPECT_EQ(authority("https", 0, {"http", "8080"}), "https://app.example") << "the scheme's own";
  EXPECT_EQ(authority("http", 0, {"https", "443"}), "http://app.example");
  EXPECT_EQ(authority("https", 8443, {"http", "80"}), "https://app.example:8443");
  EXPECT_EQ(authority("http", 443, {"http", "80"}), "http://app.example:443");
  EXPECT_EQ(authority("", 80, {"http", "8080"}), "http://app.example") << "80 of http is left out";
  EXPECT_EQ(authority("https", 443, {"http", "8080"}), "https://app.example");
}

}  // namespace
}  // namespace headgate::l7::policy
