// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/digest.hpp"

#include <gtest/gtest.h>

namespace headgate::tls {
namespace {

TEST(Digest, IsTheStandardsSha256) {  // the examples of FIPS 180-2
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, Sha1IsThatOfTheRfc) {  // RFC 3174 section 7.3
  EXPECT_EQ(sha1("abc")[0], 0xa9);
  EXPECT_EQ(sha1("abc")[19], 0x9d);
}

}  // namespace
}  // namespace headgate::tls
