// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/write_only.hpp"

#include <gmock/gmock.h>

#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/model_fixture.hpp"

namespace headgate::compile {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class WriteOnly : public testing::Test {
 protected:
  Taken take(Kind kind, const std::string& body) {
    const auto key = global(kind, "x");
    auto parsed = parse_resource(key, body);
    EXPECT_THAT(parsed.problems, IsEmpty()) << body;
    resource_ = *std::move(parsed.resource);
    return take_secret(key, body, resource_, model_.find(key),
                       [](const std::string& data) { return "salt of " + std::to_string(data.size()); });
  }
  // What is there before.
  void store(Kind kind, const std::string& body) { put(model_, global(kind, "x"), body); }
  static std::vector<std::string> places(const Taken& taken) {
    std::vector<std::string> lines;
    for (const auto& problem : taken.problems) lines.push_back(problem.pointer + " " + problem.code);
    return lines;
  }

  Model model_;
  Resource resource_;
};

TEST_F(WriteOnly, AKeyLeavesTheBodyAndItsDigestStays) {
  const auto& issued = issued_certificate();
  const auto taken = take(Kind::kCertificate, certificate_body(issued));
  EXPECT_THAT(taken.problems, IsEmpty());
  EXPECT_THAT(taken.body, Not(HasSubstr("PRIVATE")));
  ASSERT_TRUE(taken.secret);
  EXPECT_EQ(taken.secret->bytes, issued.key);
  EXPECT_EQ(taken.secret->digest, tls::sha256_hex(issued.key));
  EXPECT_EQ(taken.body, stored_certificate(issued));
  EXPECT_EQ(secret_named_by(resource_), taken.secret->digest);
}

TEST_F(WriteOnly, AStoredKeyStaysWithARenewedChainOfItsOwn) {
  const auto& issued = issued_certificate();
  store(Kind::kCertificate, stored_certificate(issued));
  const auto longer = issued.certificate + test_authority().certificate();
  const auto taken = take(Kind::kCertificate, chain_body(longer));
  EXPECT_THAT(taken.problems, IsEmpty());
  EXPECT_FALSE(taken.secret);
  EXPECT_EQ(secret_named_by(resource_), tls::sha256_hex(issued.key));
}

TEST_F(WriteOnly, AStoredKeyDoesNotStayWithAnothersCertificate) {
  store(Kind::kCertificate, stored_certificate(issued_certificate(0)));
  EXPECT_THAT(places(take(Kind::kCertificate, chain_body(issued_certificate(1).certificate))),
              ElementsAre("/private_key missing_field"));
}

TEST_F(WriteOnly, ANewCertificateNeedsItsKey) {
  EXPECT_THAT(places(take(Kind::kCertificate, chain_body(issued_certificate().certificate))),
              ElementsAre("/private_key missing_field"));
}

TEST_F(WriteOnly, ADigestInTheBodyNamesNoKeyOfOthers) {
  auto body = json::parse(chain_body(issued_certificate().certificate));
  body["key_digest"] = tls::sha256_hex(issued_certificate().key);
  EXPECT_THAT(places(take(Kind::kCertificate, body.dump())), ElementsAre("/private_key missing_field"));
}

TEST_F(WriteOnly, AuthoritiesArePublic) {
  const auto taken = take(Kind::kSecret, client_ca_body());
  EXPECT_THAT(taken.problems, IsEmpty());
  EXPECT_FALSE(taken.secret);
  EXPECT_EQ(taken.body, client_ca_body());
  EXPECT_FALSE(secret_named_by(resource_));
}

TEST_F(WriteOnly, APasswordLeavesADigestThatItsOwnCannotBeTriedOutWith) {
  const auto taken = take(Kind::kSecret, password_body("swordfish"));
  ASSERT_TRUE(taken.secret);
  EXPECT_THAT(taken.body, Not(HasSubstr("swordfish")));
  EXPECT_EQ(json::parse(taken.secret->bytes)["data"], "swordfish");
  EXPECT_EQ(taken.secret->digest, tls::sha256_hex(taken.secret->bytes));
  EXPECT_NE(taken.secret->digest, tls::sha256_hex("swordfish"));
  EXPECT_EQ(take(Kind::kSecret, password_body("swordfish")).body, taken.body);
  EXPECT_NE(take(Kind::kSecret, password_body("swordfisH")).body, taken.body);
}

TEST_F(WriteOnly, StoredDataStayWithTheirTypeOnly) {
  const auto stored = take(Kind::kSecret, password_body("swordfish")).body;
  store(Kind::kSecret, stored);
  const auto kept = take(Kind::kSecret, R"({"type":"password","labels":{"a":"b"}})");
  EXPECT_THAT(kept.problems, IsEmpty());
  EXPECT_EQ(json::parse(kept.body)["digest"], json::parse(stored)["digest"]);
  EXPECT_THAT(places(take(Kind::kSecret, R"({"type":"opaque"})")), ElementsAre("/data missing_field"));
}

}  // namespace
}  // namespace headgate::compile
