// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate_authority.hpp"

#include <set>

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::tls {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;

using Names = std::vector<std::string>;

struct FreeAll {
  void operator()(X509* object) const { X509_free(object); }
  void operator()(X509_STORE* object) const { X509_STORE_free(object); }
  void operator()(X509_STORE_CTX* object) const { X509_STORE_CTX_free(object); }
  void operator()(BIO* object) const { BIO_free(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeAll>;

Owned<X509> x509_of(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// What OpenSSL's own verifier says of a server's certificate; empty: it believes it.
std::string verdict(const std::string& leaf_pem, const std::string& authority_pem, const std::string& name,
                    int64_t unix_ms) {
  const auto leaf = x509_of(leaf_pem), authority = x509_of(authority_pem);
  const Owned<X509_STORE> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority.get());
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  auto* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(parameters, unix_ms / 1000);
  if (name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos)
    X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str());
  else
    X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
  if (X509_verify_cert(context.get()) == 1) return "";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

class CertificateAuthorityTest : public testing::Test {
 protected:
  KeyedCertificate issued(const Names& names, milliseconds lifetime = hours(24)) const {
    auto result = authority_.issue_server(names, now_ms_, lifetime);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return *std::move(result);
  }
  std::string refusal(const Names& names, milliseconds lifetime = hours(24)) const {
    const auto result = authority_.issue_server(names, now_ms_, lifetime);
    return result.ok() ? "" : result.error().message;
  }

  const int64_t now_ms_ = unix_time_ms();
  const CertificateAuthority authority_ = CertificateAuthority::make(now_ms_).value();
};

TEST_F(CertificateAuthorityTest, IssuesWhatOpensslBelievesOfEachName) {
  const auto server =
      issued({"api.example.com", "*.edge.example.com", "localhost", "192.0.2.1", "2001:db8::1"});
  for (const char* name : {"api.example.com", "a.edge.example.com", "localhost", "192.0.2.1", "2001:db8::1"})
    EXPECT_EQ(verdict(server.certificate, authority_.certificate(), name, now_ms_), "") << name;
  EXPECT_THAT(verdict(server.certificate, authority_.certificate(), "other.example.com", now_ms_),
              HasSubstr("ostname mismatch"));
  EXPECT_THAT(verdict(server.certificate, authority_.certificate(), "192.0.2.2", now_ms_),
              HasSubstr("IP address mismatch"));
  EXPECT_TRUE(check_key_matches(server.certificate, server.key).ok());
}

TEST_F(CertificateAuthorityTest, NobodyElsesAuthorityProvesIt) {
  const auto other = CertificateAuthority::make(now_ms_).value();
  const auto server = issued({"a.example"});
  EXPECT_NE(verdict(server.certificate, other.certificate(), "a.example", now_ms_), "");
  EXPECT_NE(authority_.facts().subject, other.facts().subject);
}

TEST_F(CertificateAuthorityTest, TheCertificateIsGoodForItsLifetimeAndALittleBefore) {
  const auto server = issued({"a.example"}, hours(2));
  const auto at = [&](int64_t after_now_s) {
    return verdict(server.certificate, authority_.certificate(), "a.example", now_ms_ + after_now_s * 1000);
  };
  EXPECT_EQ(at(-300), "");
  EXPECT_EQ(at(2 * 3600 - 1), "");
  EXPECT_THAT(at(2 * 3600 + 1), HasSubstr("expired"));
  EXPECT_THAT(at(-3600), HasSubstr("not yet valid"));
}

TEST_F(CertificateAuthorityTest, NothingOutlivesTheAuthority) {
  const auto server = issued({"a.example"}, 2 * limits::kAuthorityLifetime);
  EXPECT_EQ(parse_chain(server.certificate)->not_after_ms, authority_.facts().not_after_ms);
  const auto late = authority_.issue_server(Names{"a.example"}, authority_.facts().not_after_ms, hours(1));
  EXPECT_EQ(late.error().code, ErrorCode::kInvalid);
}

TEST_F(CertificateAuthorityTest, TheAuthorityIssuesLeavesOnly) {
  const auto certificate = x509_of(authority_.certificate());
  EXPECT_EQ(X509_get_pathlen(certificate.get()), 0);
  EXPECT_EQ(X509_get_key_usage(certificate.get()), uint32_t{KU_KEY_CERT_SIGN | KU_CRL_SIGN});
  const auto leaf = x509_of(issued({"a.example"}).certificate);
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
  EXPECT_EQ(X509_get_key_usage(leaf.get()), uint32_t{KU_DIGITAL_SIGNATURE});
  EXPECT_EQ(X509_get_extended_key_usage(leaf.get()), uint32_t{XKU_SSL_SERVER});
}

TEST_F(CertificateAuthorityTest, ALeafIsNoAuthority) {
  const auto server = issued({"a.example"});
  const auto refused = CertificateAuthority::load(server.certificate, server.key);
  EXPECT_THAT(refused.error().message, HasSubstr("no authority"));
}

TEST_F(CertificateAuthorityTest, EachCertificateHasItsOwnKeyAndSerial) {
  std::set<std::string> keys, serials;
  for (int i = 0; i < 8; ++i) {
    const auto server = issued({"a.example"});
    keys.insert(server.key);
    const auto leaf = x509_of(server.certificate);
    const auto* serial = X509_get0_serialNumber(leaf.get());
    EXPECT_EQ(ASN1_STRING_type(serial), V_ASN1_INTEGER);  // and not a negative one
    serials.insert({reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                    static_cast<std::size_t>(ASN1_STRING_length(serial))});
  }
  EXPECT_EQ(keys.size(), 8u);
  EXPECT_EQ(serials.size(), 8u);
}

TEST_F(CertificateAuthorityTest, GoesOnFromWhatWasStored) {
  const auto again = CertificateAuthority::load(authority_.certificate(), authority_.private_key());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->facts().fingerprint, authority_.facts().fingerprint);
  const auto server = again->issue_server(Names{"a.example"}, now_ms_, hours(1));
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(verdict(server->certificate, authority_.certificate(), "a.example", now_ms_), "");
}

TEST_F(CertificateAuthorityTest, StoredPartsMustBelongTogether) {
  const auto other = CertificateAuthority::make(now_ms_).value();
  EXPECT_THAT(CertificateAuthority::load(authority_.certificate(), other.private_key()).error().message,
              HasSubstr("not that of"));
  EXPECT_EQ(CertificateAuthority::load("", "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(CertificateAuthority::load(authority_.certificate(), "x").error().code, ErrorCode::kInvalid);
}

TEST_F(CertificateAuthorityTest, SaysWhichNameItCannotIssueFor) {
  for (const char* name :
       {"", "a b", "a,DNS:evil.example", "A.example", "-a", "a-", "a..b", ".a", "a.", "*", "*.", "a.*",
        "**.a", "a\nb", "[2001:db8::1]", "192.0.2.1:80", "a/b", "\xc3\xa9.example"}) {
    EXPECT_FALSE(is_server_name(name)) << name;
    EXPECT_THAT(refusal({"good.example", name}), HasSubstr("'" + std::string(name) + "'"));
  }
  EXPECT_FALSE(is_server_name(std::string(64, 'a')));
  for (const char* name : {"localhost", "a_b.example", "1.example", "*.example.com", "::1"})
    EXPECT_TRUE(is_server_name(name)) << name;
}

TEST_F(CertificateAuthorityTest, CountsItsNamesAndItsTime) {
  EXPECT_THAT(refusal({}), HasSubstr("1 to"));
  EXPECT_THAT(refusal(Names(limits::kFrontNamesMax + 1, "a.example")), HasSubstr("not 33"));
  EXPECT_THAT(refusal({"a.example"}, milliseconds(0)), HasSubstr("ended before"));
  EXPECT_THAT(parse_chain(issued(Names(limits::kFrontNamesMax, "a.example")).certificate)->dns_names,
              testing::Contains("a.example"));
}

}  // namespace
}  // namespace headgate::tls
