// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/hash_key.hpp"

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

using contract::HashSource;

RequestHead full_request() {
  RequestHead head;
  head.host = "app.example";
  head.path = "/a";
  head.query = "user=7&flag&x=1&user=8";
  head.headers.add({"x-user", "7", HeaderId::kOther});
  head.headers.add(HeaderId::kCookie, "sid=7");
  return head;
}

std::optional<uint64_t> key(HashSource source, const std::string& name,
                            const RequestHead& head = full_request()) {
  return hash_key_of({source, name}, head, *IpAddress::parse("192.0.2.7"));
}

TEST(HashKey, TheSameTextIsTheSameKeyWhereverItStands) {
  const auto seven = key(HashSource::kHeader, "x-user");
  ASSERT_TRUE(seven);
  EXPECT_EQ(key(HashSource::kCookie, "sid"), seven);
  EXPECT_EQ(key(HashSource::kQuery, "user"), seven) << "the first of that name";
  EXPECT_NE(key(HashSource::kQuery, "x"), seven);
  EXPECT_TRUE(key(HashSource::kQuery, "flag"));
  EXPECT_TRUE(key(HashSource::kHeader, "host"));
  EXPECT_TRUE(key(HashSource::kPath, ""));
}

TEST(HashKey, WhatTheRequestDoesNotCarryIsNone) {
  EXPECT_FALSE(key(HashSource::kHeader, "x-other"));
  EXPECT_FALSE(key(HashSource::kCookie, "other"));
  EXPECT_FALSE(key(HashSource::kQuery, "use"));
  RequestHead bare;
  bare.path = "/";
  EXPECT_FALSE(key(HashSource::kQuery, "user", bare));
}

TEST(HashKey, AnAddressIsItself) {
  const auto of = [](const char* address) {
    return hash_key_of({}, full_request(), *IpAddress::parse(address));
  };
  EXPECT_EQ(of("192.0.2.7"), of("192.0.2.7"));
  EXPECT_NE(of("192.0.2.7"), of("192.0.2.8"));
  EXPECT_NE(of("2001:db8::1"), of("2001:db8::2"));
}

}  // namespace
}  // namespace headgate::l7
