// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/http_message.hpp"

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

TEST(HttpMessage, EveryKnownNameIsFoundByItsText) {
  for (unsigned number = 1; number <= static_cast<unsigned>(HeaderId::kXRequestId); ++number) {
    const auto id = static_cast<HeaderId>(number);
    EXPECT_FALSE(header_name(id).empty());
    EXPECT_EQ(header_id(header_name(id)), id) << header_name(id);
  }
}

TEST(HttpMessage, OtherNamesAreOther) {
  for (const char* name : {"", "hosts", "Host", "x-forwarded-fox", "content-lengthy-and-far-too-long"})
    EXPECT_EQ(header_id(name), HeaderId::kOther) << name;
}

TEST(HttpMessage, MethodsAreCaseSensitive) {
  EXPECT_EQ(parse_method("GET"), Method::kGet);
  EXPECT_EQ(parse_method("CONNECT"), Method::kConnect);
  EXPECT_EQ(parse_method("get"), Method::kOther);
  EXPECT_EQ(parse_method("PROPFIND"), Method::kOther);
}

TEST(HttpMessage, ClearKeepsNothing) {
  RequestHead request;
  request.host = "a";
  request.query = "q";
  request.headers.add(HeaderId::kCookie, "c");
  request.clear();
  EXPECT_TRUE(request.host.empty());
  EXPECT_FALSE(request.query);
  EXPECT_EQ(request.headers.find("cookie"), nullptr);
}

}  // namespace
}  // namespace headgate::l7
