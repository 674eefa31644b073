// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/authority.hpp"

#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;

class AuthorityTest : public ApiFixture {
 protected:
  const PublicAuthority front_{"-----BEGIN CERTIFICATE-----\n", std::string(64, 'f')};
};

TEST_F(AuthorityTest, IsShownToAnybodyAsAFile) {
  authority_ = &front_;
  for (const std::string secret : {"", kAdmin, "hg_wrong"}) {
    const auto response = call("GET", "/v1/ca", "", {}, secret);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/x-pem-file");
    EXPECT_EQ(response.body, front_.certificate);
  }
  EXPECT_EQ(call("DELETE", "/v1/ca").status, 405);
}

TEST_F(AuthorityTest, IsNotThereWithoutAFront) {
  const auto response = call("GET", "/v1/ca", "", {}, "");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_THAT(response.body, testing::HasSubstr("--front"));
}

TEST_F(AuthorityTest, AnEnrolmentCarriesItsFingerprint) {
  put("/v1/nodes/n1", "{}");
  EXPECT_FALSE(JsonValue::parse(call("POST", "/v1/nodes/n1/enrolment").body).contains("ca_fingerprint"));
  authority_ = &front_;
  EXPECT_EQ(JsonValue::parse(call("POST", "/v1/nodes/n1/enrolment").body)["ca_fingerprint"],
            front_.fingerprint);
}

}  // namespace
}  // namespace headgate::handlers
