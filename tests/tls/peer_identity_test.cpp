// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/peer_identity.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/pem.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::tls {
namespace {

using testing_support::CertificateSpec;
using testing_support::IssuedCertificate;
using testing_support::TestAuthority;

IssuedCertificate shown(const std::string& common_name, const std::string& alternative_names) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.alternative_names = alternative_names;
  return TestAuthority::self_signed(spec);
}

X509Ptr parsed_of(const IssuedCertificate& issued) {
  auto certificates = read_certificates(issued.certificate, {limits::kCertificateChainBytesMax, 1});
  return std::move(certificates->front());
}

std::string name_in(const std::string& common_name, const std::string& alternative_names) {
  return identity_of(parsed_of(shown(common_name, alternative_names)).get()).name;
}

TEST(PeerIdentity, IsTheFirstUriElseDnsNameElseAddressElseTheSubject) {
  EXPECT_EQ(name_in("cn", "email:a@example.com,DNS:a.example,URI:spiffe://mesh/a,URI:spiffe://mesh/b"),
            "spiffe://mesh/a");
  EXPECT_EQ(name_in("cn", "IP:192.0.2.1,email:a@example.com,DNS:A.example,DNS:b.example"), "A.example");
  EXPECT_EQ(name_in("cn", "IP:192.0.2.1,email:a@example.com,email:b@example.com"), "a@example.com");
  EXPECT_EQ(name_in("cn", "IP:192.0.2.1"), "CN=cn");
  EXPECT_EQ(name_in("cn", ""), "CN=cn");
  EXPECT_EQ(name_in("", ""), "");
}

TEST(PeerIdentity, ANameIsWhateverItsAuthorityHasSigned) {
  EXPECT_EQ(name_in("cn", "URI:a \"b\" %20\x01\xff"), "a \"b\" %20\x01\xff");
  EXPECT_EQ(name_in("\xc3\x85sa, \"x\"\n", ""), "CN=\\C3\\85sa\\, \\\"x\\\"\\0A") << "RFC 2253 is in ASCII";
}

TEST(PeerIdentity, ALongNameIsCut) {
  const std::string longest(limits::kPeerNameBytesMax, 'x');
  EXPECT_EQ(name_in("cn", "URI:" + longest), longest);
  EXPECT_EQ(name_in("cn", "URI:" + longest + "y"), longest);
}

TEST(PeerIdentity, HasTheFingerprintAndTheBytesOfTheCertificate) {
  for (const std::size_t filler : {1u, 2u, 3u}) {  // so that base64 ends in each of its ways
    const auto issued = shown(std::string(filler, 'c'), "");
    const auto certificate = parsed_of(issued);
    const auto identity = identity_of(certificate.get());
    EXPECT_EQ(identity.fingerprint, parse_chain(issued.certificate)->fingerprint);
    EXPECT_EQ(identity.common_name, std::string(filler, 'c'));
    EXPECT_EQ(byte_sequence_of(certificate.get()), ":" + testing_support::base64_of(issued) + ":");
  }
}

}  // namespace
}  // namespace headgate::tls
