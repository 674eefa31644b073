// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/cors.hpp"

#include <gtest/gtest.h>

namespace headgate::l7::policy {
namespace {

std::string text_of(const ResponseHead& response) {
  std::string text;
  for (const auto& field : response.headers)
    text.append(text.empty() ? "" : "; ").append(field.name).append("=").append(field.value);
  return text;
}

std::string response(const contract::Cors& cors, std::string_view origin) {
  ResponseHead head;
  head.headers.add({"access-control-allow-origin", "https://backend.says", HeaderId::kOther});
  const Cors compiled(cors);
  compiled.edit_response(origin, head);
  return text_of(head);
}

std::string preflight(const contract::Cors& cors, std::string_view origin) {
  RequestHead request;
  request.method = Method::kOptions;
  request.headers.add({"origin", origin, HeaderId::kOther});
  request.headers.add({"access-control-request-method", "PUT", HeaderId::kOther});
  request.headers.add({"access-control-request-headers", "x-a, x-b", HeaderId::kOther});
  EXPECT_TRUE(Cors::is_preflight(request));
  ResponseHead head;
  const Cors compiled(cors);
  compiled.answer_preflight(request, head);
  EXPECT_EQ(head.status, 204);
  compiled.edit_response(origin, head);
  return text_of(head);
}

TEST(Cors, PatternsCoverLabelsAndNothingElse) {
  EXPECT_TRUE(covers_origin("*", "null"));
  EXPECT_TRUE(covers_origin("https://a.example", "https://a.example"));
  EXPECT_FALSE(covers_origin("https://a.example", "http://a.example"));
  EXPECT_FALSE(covers_origin("https://a.example", "https://a.example:8443"));
  EXPECT_TRUE(covers_origin("https://*.example", "https://a.example"));
  EXPECT_TRUE(covers_origin("https://*.example", "https://b.a.example"));
  EXPECT_FALSE(covers_origin("https://*.example", "https://example"));
  EXPECT_FALSE(covers_origin("https://*.example", "https://.example"));
  EXPECT_FALSE(covers_origin("https://*.example", "https://a.example:8443"));
  EXPECT_TRUE(covers_origin("https://*.example:8443", "https://a.example:8443"));
  EXPECT_FALSE(covers_origin("https://*.example", "https://evil.com/.example"));
  EXPECT_FALSE(covers_origin("https://*.example", "https://evil.com:1.example"));
  EXPECT_TRUE(covers_origin("http://*", "http://anything.example"));
}

TEST(Cors, OnlyWhoIsAllowedGetsPermission) {
  const contract::Cors cors{.origins = {"https://a.example", "https://*.b.example"},
                            .methods = {"GET", "PUT"},
                            .headers = {"x-a"},
                            .expose = {"x-id", "x-more"}};
  EXPECT_EQ(response(cors, "https://a.example"),
            "vary=Origin; access-control-allow-origin=https://a.example; access-control-expose-headers=x-id, "
            "x-more");
  EXPECT_EQ(response(cors, "https://x.b.example").find("backend"), std::string::npos);
  EXPECT_EQ(response(cors, "https://evil.example"), "vary=Origin") << "what the backend says does not count";
  EXPECT_EQ(response(cors, ""), "vary=Origin");
  EXPECT_EQ(
      preflight(cors, "https://a.example"),
      "access-control-allow-methods=GET, PUT; access-control-allow-headers=x-a; access-control-max-age=5; "
      "vary=Origin; access-control-allow-origin=https://a.example; access-control-expose-headers=x-id, "
      "x-more");
  EXPECT_EQ(preflight(cors, "https://evil.example"), "vary=Origin");
}

TEST(Cors, AStarIsSaidOnlyWithoutCredentials) {
  contract::Cors cors{.origins = {"*"}, .methods = {"*"}, .headers = {"*"}, .expose = {}};
  EXPECT_EQ(response(cors, "https://any.example"), "access-control-allow-origin=*");
  EXPECT_EQ(preflight(cors, "https://any.example"),
            "access-control-allow-methods=*; access-control-allow-headers=*; access-control-max-age=5; "
            "access-control-allow-origin=*");
  cors.credentials = true;
  EXPECT_EQ(response(cors, "https://any.example"),
            "vary=Origin; access-control-allow-origin=https://any.example; "
            "access-control-allow-credentials=true");
  EXPECT_EQ(
      preflight(cors, "https://any.example"),
      "access-control-allow-methods=PUT; access-control-allow-headers=x-a, x-b; access-control-max-age=5; "
      "vary=Origin; access-control-allow-origin=https://any.example; "
      "access-control-allow-credentials=true");
}

TEST(Cors, APlainOptionsIsNoPreflight) {
  RequestHead request;
  request.method = Method::kOptions;
  request.headers.add({"origin", "https://a.example", HeaderId::kOther});
  EXPECT_FALSE(Cors::is_preflight(request));
  request.headers.add({"access-control-request-method", "PUT", HeaderId::kOther});
  EXPECT_TRUE(Cors::is_preflight(request));
  request.method = Method::kGet;
  EXPECT_FALSE(Cors::is_preflight(request));
}

}  // namespace
}  // namespace headgate::l7::policy
