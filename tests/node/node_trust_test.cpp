// SPDX-License-Identifier: Apache-2.0
// Whom headgate-node believes to be headgated: what it makes of the authority that the API shows.
#include <filesystem>

#include <gmock/gmock.h>

#include "dataplane/core/durable_file.hpp"
#include "dataplane/tls/certificate.hpp"
#include "tests/node/node_fixture.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::node {
namespace {

using testing::HasSubstr;

class NodeTrustTest : public NodeTest {
 protected:
  static std::string fingerprint_of(const testing_support::TestAuthority& authority) {
    return tls::parse_trust_bundle(authority.certificate())->front().fingerprint;
  }
  std::filesystem::path stored() const { return node_.directory() / "state" / "api-ca.pem"; }
  void start(const std::string& fingerprint) { node_.start({"--api-ca-fingerprint", fingerprint}); }

  const testing_support::TestAuthority ours_{"Ours"}, other_{"Other"};
};

TEST_F(NodeTrustTest, FetchesTheAuthorityOfTheFingerprintOnceAndEnrols) {
  api_.set_authority(ours_.certificate());
  api_.publish(objects(1));
  start(fingerprint_of(ours_));
  api_.wait_applied();
  EXPECT_EQ(*read_file(stored()), ours_.certificate());
  EXPECT_EQ(api_.enrolments(), 1u);
  node_.kill_hard();
  start(fingerprint_of(ours_));
  api_.wait_applied();
  EXPECT_EQ(api_.authorities_shown(), 1u);
}

TEST_F(NodeTrustTest, DoesNotSpeakToAnyoneWhoShowsAnother) {
  api_.set_authority(other_.certificate());
  start(fingerprint_of(ours_));
  ASSERT_TRUE(wait_until([&] { return api_.authorities_shown() >= 3; }));
  EXPECT_EQ(api_.enrolments(), 0u);
  EXPECT_FALSE(std::filesystem::exists(stored()));
  EXPECT_THAT(node_.log(), HasSubstr("another authority than the fingerprint says"));
  // Not even beside the right one.
  api_.set_authority(ours_.certificate() + other_.certificate());
  const auto shown = api_.authorities_shown();
  ASSERT_TRUE(wait_until([&] { return api_.authorities_shown() >= shown + 2; }));
  EXPECT_EQ(api_.enrolments(), 0u);
  api_.set_authority(ours_.certificate());
  api_.publish(objects(1));
  api_.wait_applied();
}

// A file is read line by line, as C does: there, what a NUL byte hides is a block of its own.
TEST_F(NodeTrustTest, StoresNothingThatOthersReadOtherwise) {
  auto hidden = other_.certificate();
  for (const std::string mark : {"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"})
    hidden.insert(hidden.find(mark) + mark.size(), std::string("\0x", 2));
  api_.set_authority(ours_.certificate() + hidden);
  start(fingerprint_of(ours_));
  ASSERT_TRUE(wait_until([&] { return api_.authorities_shown() >= 3; }));
  EXPECT_EQ(api_.enrolments(), 0u);
  // Text is allowed beside it, and is not taken over.
  api_.set_authority("# ours\n" + ours_.certificate() + "# ours\n");
  api_.publish(objects(1));
  api_.wait_applied();
  EXPECT_EQ(*read_file(stored()), ours_.certificate());
}

TEST_F(NodeTrustTest, AnotherFingerprintReplacesWhatWasStored) {
  api_.set_authority(ours_.certificate());
  api_.publish(objects(1));
  start(fingerprint_of(ours_));
  api_.wait_applied();
  node_.kill_hard();
  api_.set_authority(other_.certificate());
  start(fingerprint_of(other_));
  api_.wait_applied();
  EXPECT_EQ(*read_file(stored()), other_.certificate());
}

TEST_F(NodeTrustTest, TakesTheFingerprintAsOpensslWritesIt) {
  api_.set_authority(ours_.certificate());
  api_.publish(objects(1));
  std::string written;
  for (const char c : fingerprint_of(ours_)) {
    if (written.size() % 3 == 2) written.push_back(':');
    written.push_back(c >= 'a' ? static_cast<char>(c - 32) : c);
  }
  start(written);
  api_.wait_applied();
}

TEST_F(NodeTrustTest, EndsWithAnErrorWhereNobodyHasToProveAnything) {
  NodeProcess elsewhere("http://192.0.2.1:7080");
  elsewhere.start({"--api-ca-fingerprint", fingerprint_of(ours_)});
  EXPECT_EQ(elsewhere.wait(), 1);
  EXPECT_THAT(elsewhere.log(), HasSubstr("begins with https://"));
}

TEST_F(NodeTrustTest, EndsWithAnErrorWhereItIsNoFingerprint) {
  start("12:34");
  EXPECT_EQ(node_.wait(), 1);
  EXPECT_THAT(node_.log(), HasSubstr("64 hex digits"));
}

}  // namespace
}  // namespace headgate::node
