// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/public_key.hpp"

#include <gtest/gtest.h>

#include "tests/support/test_certificates.hpp"

namespace headgate::tls {
namespace {

using testing_support::TestAuthority;

TEST(PublicKey, IsTheSameInTwoCertificatesOfOneKeyOnly) {
  const TestAuthority authority, other;
  const auto leaf = authority.issue({.common_name = "a", .alternative_names = "DNS:a.example"});
  const auto leaf_of_another_key =
      authority.issue({.common_name = "a", .alternative_names = "DNS:a.example"});
  EXPECT_TRUE(*have_same_public_key(leaf.certificate, leaf.certificate + authority.certificate()));
  EXPECT_FALSE(*have_same_public_key(leaf.certificate, leaf_of_another_key.certificate));
  EXPECT_FALSE(*have_same_public_key(authority.certificate(), other.certificate()));
  EXPECT_FALSE(have_same_public_key(leaf.certificate, "no PEM").ok());
  EXPECT_FALSE(have_same_public_key("", leaf.certificate).ok());
}

}  // namespace
}  // namespace headgate::tls
