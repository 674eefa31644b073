// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/door.hpp"

#include <gmock/gmock.h>

#include "tests/support/test_certificates.hpp"

namespace headgate::tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::CertificateSpec;
using testing_support::TestAuthority;

ServerCertificate certificate(const std::string& names,
                              CertificateSpec::Key key = CertificateSpec::Key::kP256) {
  CertificateSpec spec;
  spec.common_name = names;
  spec.alternative_names = names;
  spec.key = key;
  const auto issued = TestAuthority::self_signed(spec);
  return {names, issued.certificate, issued.key};
}

ServerPolicy policy(const std::string& listener = "l1") {
  ServerPolicy made;
  made.listener = listener;
  return made;
}

ServerContext::Made make(const std::vector<ServerCertificate>& certificates) {
  return ServerContext::make(policy(), certificates, nullptr);
}

TEST(ServerContext, ExactBeforeWildcardBeforeTheFirst) {
  const auto made = make({certificate("DNS:first.example"), certificate("DNS:*.example"),
                          certificate("DNS:app.example,DNS:*.app.example")});
  EXPECT_THAT(made.problems, IsEmpty());
  const auto& context = *made.context;
  const auto* const first = context.find("first.example");
  const auto* const wildcard = context.find("other.example");
  const auto* const app = context.find("app.example");
  EXPECT_TRUE(first && wildcard && app);
  EXPECT_TRUE(first != wildcard && wildcard != app && first != app);
  EXPECT_EQ(context.find("x.app.example"), app);
  EXPECT_EQ(context.find("y.x.app.example"), first) << "a wildcard is one label (RFC 6125)";
  EXPECT_EQ(context.find("example"), first);
  EXPECT_EQ(context.find("a.other"), first);
  EXPECT_EQ(context.find(""), first);
  EXPECT_EQ(context.find(".example"), first);
  EXPECT_EQ(context.find(std::string(300, 'a') + ".example"), first);
}

TEST(ServerContext, OneNameMayHaveACertificateOfEachKeyType) {
  const auto made =
      make({certificate("DNS:a.example,DNS:b.example"),
            certificate("DNS:a.example", CertificateSpec::Key::kRsa2048), certificate("DNS:c.example")});
  const auto& context = *made.context;
  EXPECT_NE(context.find("a.example"), context.find("b.example")) << "b.example has no RSA certificate";
  EXPECT_NE(context.find("a.example"), context.find("c.example"));
}

TEST(ServerContext, WhatCannotBeServedHarmsItsOwnNamesOnly) {
  auto waiting = certificate("DNS:waiting.example,DNS:shared.example");
  waiting.key.clear();
  auto foreign = certificate("DNS:foreign.example");
  foreign.key = certificate("DNS:x").key;
  const auto made =
      make({waiting, foreign, {"broken", "no PEM", "no key"}, certificate("DNS:shared.example")});
  EXPECT_THAT(made.problems, ElementsAre(HasSubstr("has not come yet"), HasSubstr("of another certificate"),
                                         HasSubstr("no certificate in PEM")));
  EXPECT_FALSE(made.context->find("waiting.example"));
  EXPECT_FALSE(made.context->find("foreign.example"));
  EXPECT_TRUE(made.context->find("shared.example"));
  EXPECT_EQ(made.context->find("unknown.example"), made.context->find("shared.example"));
}

TEST(ServerContext, WithoutItsAuthoritiesAListenerServesNobody) {
  auto asking = policy();
  asking.client_certificate = ClientCertificate::kRequired;
  const std::vector<ServerCertificate> certificates{certificate("DNS:a.example")};
  const auto made = ServerContext::make(asking, certificates, nullptr);
  EXPECT_THAT(made.problems, ElementsAre(HasSubstr("client authorities")));
  EXPECT_FALSE(made.context->find("a.example"));
}

TEST(ServerContext, KeepsWhatHasNotChanged) {
  const auto a = certificate("DNS:a.example");
  const auto b = certificate("DNS:b.example");
  const auto before = make({a, b});
  const std::vector<ServerCertificate> renewed{a, certificate("DNS:b.example")};
  const auto after = ServerContext::make(policy(), renewed, before.context.get());
  EXPECT_EQ(after.context->find("a.example"), before.context->find("a.example"));
  EXPECT_NE(after.context->find("b.example"), before.context->find("b.example"));
  auto stricter = policy();
  stricter.tls13_only = true;
  const auto other = ServerContext::make(stricter, renewed, after.context.get());
  EXPECT_NE(other.context->find("a.example"), after.context->find("a.example"));
}

TEST(Door, TheServerNameChoosesTheListenerAsTheRouterDoes) {
  const std::vector<ServerCertificate> certificates{certificate("DNS:a.example")};
  const auto context = [&](const char* listener) {
    return ServerContext::make(policy(listener), certificates, nullptr).context;
  };
  const Door door({{"a.example", context("exact")},
                   {"*.example", context("wide")},
                   {"*.app.example", context("narrow")},
                   {"a.example", context("late")},
                   {"", context("any")}});
  const auto listener = [&](std::string_view name) { return door.choose(name).listener->policy().listener; };
  EXPECT_EQ(listener("a.example"), "exact");
  EXPECT_EQ(listener("b.example"), "wide");
  EXPECT_EQ(listener("x.app.example"), "narrow");
  EXPECT_EQ(listener("y.x.app.example"), "narrow");
  EXPECT_EQ(listener("app.example"), "wide");
  EXPECT_EQ(listener("example"), "any");
  EXPECT_EQ(listener(""), "any");
  EXPECT_TRUE(door.any());
}

TEST(Door, WithoutAListenerForAnyHostTheFirstMeetsTheStranger) {
  const std::vector<ServerCertificate> certificates{certificate("DNS:a.example")};
  const Door door({{"b.example", ServerContext::make(policy("b"), {}, nullptr).context},
                   {"a.example", ServerContext::make(policy("a"), certificates, nullptr).context}});
  EXPECT_EQ(door.choose("").listener->policy().listener, "b");
  EXPECT_FALSE(door.choose("").certificate);
  EXPECT_TRUE(door.choose("a.example").certificate);
  EXPECT_TRUE(door.any()) << "a handshake for a.example can begin";
}

}  // namespace
}  // namespace headgate::tls
