// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/http_url.hpp"

#include <gtest/gtest.h>

namespace headgate::compile {
namespace {

TEST(HttpUrl, NamesAServiceAndNoSecret) {
  for (const char* text : {"http://collector:4318/v1/traces", "https://otel.example.com/v1/traces",
                           "http://192.0.2.1:4318", "http://[2001:db8::1]:4318/x?y=z"})
    EXPECT_TRUE(is_http_url(text)) << text;
  for (const char* text : {"", "collector:4318", "http://", "http:///v1", "ftp://collector/",
                           "HTTP://collector/", "http://user:secret@collector/", "http://collector:99999/",
                           "http://collector:0/", "http://col lector/", "http://collector/a b",
                           "http://collector/#x", "http://collector/\r\nx", "file:///etc/passwd"})
    EXPECT_FALSE(is_http_url(text)) << text;
}

}  // namespace
}  // namespace headgate::compile
