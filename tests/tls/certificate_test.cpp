// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate.hpp"

#include <gmock/gmock.h>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::CertificateSpec;
using testing_support::TestAuthority;

CertificateSpec named(std::string alternative_names, CertificateSpec::Key key = CertificateSpec::Key::kP256) {
  CertificateSpec spec;
  spec.common_name = "cn.example";
  spec.alternative_names = std::move(alternative_names);
  spec.key = key;
  return spec;
}

std::string error_of(const std::string& chain) {
  const auto facts = parse_chain(chain);
  return facts.ok() ? "" : facts.error().message;
}

TEST(Certificate, SaysWhatStandsInTheLeaf) {
  const TestAuthority authority;
  const auto issued = authority.issue(
      named("DNS:App.Example,DNS:*.app.example,IP:192.0.2.1,IP:2001:db8::1,URI:spiffe://mesh/app"));
  const auto facts = parse_chain(issued.certificate + authority.certificate());
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->subject, "CN=cn.example");
  EXPECT_THAT(facts->dns_names, ElementsAre("app.example", "*.app.example"));
  EXPECT_THAT(facts->ip_addresses, ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_THAT(facts->uris, ElementsAre("spiffe://mesh/app"));
  EXPECT_EQ(facts->key_type, KeyType::kEcdsa);
  EXPECT_EQ(facts->fingerprint.size(), 64u);
  const int64_t now_ms = unix_time_ms();
  EXPECT_NEAR(static_cast<double>(facts->not_before_ms), static_cast<double>(now_ms - 3600'000), 60'000);
  EXPECT_NEAR(static_cast<double>(facts->not_after_ms), static_cast<double>(now_ms + 3600'000), 60'000);
}

TEST(Certificate, TheCommonNameCountsWhereNoDnsNameStands) {
  EXPECT_THAT(parse_chain(TestAuthority::self_signed(named("URI:spiffe://a/b")).certificate)->dns_names,
              ElementsAre("cn.example"));
  EXPECT_THAT(parse_chain(TestAuthority::self_signed(named("DNS:other.example")).certificate)->dns_names,
              ElementsAre("other.example"));
}

TEST(Certificate, ANameThatIsNoHostServesNobody) {
  EXPECT_THAT(parse_chain(TestAuthority::self_signed(named("DNS:a b,DNS:a*.b,DNS:*")).certificate)->dns_names,
              IsEmpty());
}

TEST(Certificate, RsaIsUnderstoodFrom2048BitsOn) {
  const auto rsa = TestAuthority::self_signed(named("DNS:a", CertificateSpec::Key::kRsa2048));
  EXPECT_EQ(parse_chain(rsa.certificate)->key_type, KeyType::kRsa);
  EXPECT_TRUE(check_key_matches(rsa.certificate, rsa.key).ok());
  const auto weak = TestAuthority::self_signed(named("DNS:a", CertificateSpec::Key::kRsa1024));
  EXPECT_THAT(error_of(weak.certificate), HasSubstr("1024 bits"));
}

TEST(Certificate, OtherKeysAreRefusedByName) {
  const auto odd = TestAuthority::self_signed(named("DNS:a", CertificateSpec::Key::kEd25519));
  EXPECT_THAT(error_of(odd.certificate), HasSubstr("neither RSA nor ECDSA"));
}

TEST(Certificate, TheChainStandsLeafFirst) {
  const TestAuthority root("Root");
  const TestAuthority middle("Middle", root);
  const auto leaf = middle.issue(named("DNS:a.example"));
  EXPECT_EQ(error_of(leaf.certificate + middle.certificate() + root.certificate()), "");
  EXPECT_THAT(error_of(middle.certificate() + leaf.certificate), HasSubstr("the leaf comes first"));
  EXPECT_THAT(error_of(leaf.certificate + root.certificate()), HasSubstr("did not issue"));
  // The same name is not the same authority.
  EXPECT_THAT(error_of(leaf.certificate + TestAuthority("Middle").certificate()), HasSubstr("did not issue"));
}

TEST(Certificate, WhatIsNoCertificateIsRefusedWithASentence) {
  const auto good = TestAuthority::self_signed(named("DNS:a"));
  const struct {
    const char* description;
    std::string chain;
    const char* said;
  } cases[] = {
      {"nothing", "", "no certificate"},
      {"text", "hello", "no certificate"},
      {"a key", good.key, "a private key stands among"},
      {"a key behind the certificate", good.certificate + good.key, "a private key stands among"},
      {"cut off", good.certificate.substr(0, good.certificate.size() / 2), "PEM block is damaged"},
      {"no X.509 inside", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no X.509"},
      {"another kind of block", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "X509 CRL"},
      {"too long", std::string(limits::kCertificateChainBytesMax + 1, ' '), "longer than"},
  };
  for (const auto& [description, chain, said] : cases)
    EXPECT_THAT(error_of(chain), HasSubstr(said)) << description;
  std::string many;
  for (std::size_t i = 0; i <= limits::kCertificatesPerChainMax; ++i) many += good.certificate;
  EXPECT_THAT(error_of(many), HasSubstr("more than"));
}

TEST(Certificate, CommentsBetweenTheBlocksArePassedOver) {
  const auto good = TestAuthority::self_signed(named("DNS:a"));
  EXPECT_EQ(error_of("subject=CN = a\n\n" + good.certificate + "# the end\n"), "");
}

TEST(Certificate, AKeyIsAcceptedForItsOwnCertificateOnly) {
  const auto one = TestAuthority::self_signed(named("DNS:a"));
  const auto other = TestAuthority::self_signed(named("DNS:a"));
  const auto rsa = TestAuthority::self_signed(named("DNS:a", CertificateSpec::Key::kRsa2048));
  EXPECT_TRUE(check_key_matches(one.certificate, one.key).ok());
  EXPECT_THAT(check_key_matches(one.certificate, other.key).error().message, HasSubstr("not that of"));
  EXPECT_THAT(check_key_matches(one.certificate, rsa.key).error().message, HasSubstr("not that of"));
  EXPECT_THAT(check_key_matches(one.certificate, one.certificate).error().message,
              HasSubstr("no private key"));
  EXPECT_THAT(check_key_matches(one.certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n").error().message,
              HasSubstr("without a passphrase"));
}

TEST(Certificate, ATrustBundleHoldsAuthoritiesOnly) {
  const TestAuthority one("One");
  const TestAuthority two("Two");
  const auto bundle = parse_trust_bundle(one.certificate() + two.certificate());
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  ASSERT_EQ(bundle->size(), 2u);
  EXPECT_EQ(bundle->at(1).subject, "CN=Two");
  const auto leaf = one.issue(named("DNS:a"));
  EXPECT_THAT(parse_trust_bundle(one.certificate() + leaf.certificate).error().message,
              HasSubstr("no certificate authority"));
}

}  // namespace
}  // namespace headgate::tls
