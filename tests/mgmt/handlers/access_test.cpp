// SPDX-License-Identifier: Apache-2.0
// Who may do what, asked of the whole API.
#include "mgmt/handlers/operation.hpp"
#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;

class Access : public ApiFixture {
 protected:
  int status(const std::string& method, const std::string& target, const std::string& secret,
             const std::string& body = "") {
    return call(method, target, body, {}, secret).status;
  }
};

TEST_F(Access, NeedsATokenForAllButHealthEnrolmentAndTheAuthority) {
  for (const auto& operation : operations()) {
    std::string path(operation.path_template);
    for (const auto* parameter : {"{name}", "{namespace}", "{number}"})
      if (const auto at = path.find(parameter); at != std::string::npos)
        path.replace(at, std::string_view(parameter).size(), "x1");
    const bool is_public =
        path == "/healthz" || path == "/readyz" || path == "/v1/enroll" || path == "/v1/ca";
    for (const char* secret : {"", "hg_wrong"}) {
      const auto got = status(std::string(operation.method), path, secret, "{}");
      if (is_public) {
        EXPECT_NE(got, 401) << path;
      } else {
        EXPECT_EQ(got, 401) << operation.method << " " << path;
      }
    }
  }
  EXPECT_EQ(status("GET", "/v1/nothing/here", ""), 401);
  EXPECT_EQ(header(call("GET", "/v1/nodes", "", {}, ""), "WWW-Authenticate"), "Bearer");
}

TEST_F(Access, FollowsTheRole) {
  put("/v1/namespaces/a", "{}");
  put("/v1/namespaces/b", "{}");
  const auto an_operator = new_token("o", R"({"role": "operator"})");
  const auto viewer = new_token("v", R"({"role": "viewer"})");
  const auto editor = new_token("e", R"({"role": "editor", "namespaces": ["a"]})");
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    int admin, an_operator, viewer, editor;
  };
  const Row rows[] = {
      {"GET", "/v1/nodes", "", 200, 200, 200, 200},
      {"GET", "/v1/config", "", 200, 200, 200, 403},
      {"GET", "/v1/status", "", 200, 200, 200, 200},
      {"GET", "/v1/audit", "", 200, 200, 403, 403},
      {"GET", "/v1/tokens", "", 200, 403, 403, 403},
      {"POST", "/v1/captures", R"({"listener": "gone"})", 422, 403, 403, 403},
      {"PUT", "/v1/tokens/x", R"({"role": "viewer"})", 201, 403, 403, 403},
      {"PUT", "/v1/nodes/n1", "{}", 201, 200, 403, 403},
      {"PUT", "/v1/namespaces/a", "{}", 200, 200, 403, 403},
      {"PUT", "/v1/namespaces/a/pools/p", "{}", 201, 200, 403, 200},
      {"PUT", "/v1/namespaces/b/pools/p", "{}", 201, 200, 403, 403},
      {"GET", "/v1/namespaces/a/pools", "", 200, 200, 200, 200},
      {"GET", "/v1/namespaces/b/pools", "", 200, 200, 200, 403},
      {"GET", "/v1/certificates", "", 200, 200, 200, 200},
      {"GET", "/v1/secrets", "", 200, 200, 200, 403},
      {"PUT", "/v1/secrets/s", R"({"type": "password", "data": "x"})", 201, 200, 403, 403},
      {"PUT", "/v1/namespaces/a/secrets/s", R"({"type": "password", "data": "x"})", 201, 200, 403, 200},
      {"GET", "/v1/namespaces/b/secrets", "", 200, 200, 200, 403},
      {"POST", "/v1/nodes/n1/secrets", R"({"digests": []})", 403, 403, 403, 403},
      {"GET", "/v1/nodes/n1/delta", "", 403, 403, 403, 403},
      {"POST", "/v1/nodes/n1/report", "{}", 403, 403, 403, 403},
      {"POST", "/v1/nodes/n1/enrolment", "", 201, 201, 403, 403},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(status(row.method, row.target, kAdmin, row.body), row.admin) << row.method << row.target;
    EXPECT_EQ(status(row.method, row.target, an_operator, row.body), row.an_operator)
        << row.method << row.target;
    EXPECT_EQ(status(row.method, row.target, viewer, row.body), row.viewer) << row.method << row.target;
    EXPECT_EQ(status(row.method, row.target, editor, row.body), row.editor) << row.method << row.target;
  }
}

TEST_F(Access, OfANodeIsToItsTwoCallsOnly) {
  put("/v1/nodes/n1", "{}");
  put("/v1/nodes/n2", "{}");
  const auto credential = enrolled("n1");
  EXPECT_EQ(status("GET", "/v1/nodes/n1/delta?timeout=0ms", credential), 200);
  EXPECT_EQ(status("POST", "/v1/nodes/n1/report", credential, "{}"), 204);
  EXPECT_EQ(status("GET", "/v1/nodes/n2/delta", credential), 403);
  EXPECT_EQ(status("POST", "/v1/nodes/n2/report", credential, "{}"), 403);
  EXPECT_EQ(status("GET", "/v1/nodes/n1", credential), 403);
  EXPECT_EQ(status("GET", "/v1/status", credential), 403);
  EXPECT_EQ(call("DELETE", "/v1/nodes/n1").status, 204);
  EXPECT_EQ(status("GET", "/v1/nodes/n1/delta", credential), 401);
}

TEST_F(Access, EnrolsOnce) {
  put("/v1/nodes/n1", "{}");
  put("/v1/nodes/n2", "{}");
  const auto token =
      JsonValue::parse(call("POST", "/v1/nodes/n1/enrolment").body)["token"].get<std::string>();
  const auto enrol = [&](const char* node) {
    return call("POST", "/v1/enroll", JsonValue{{"node", node}, {"token", token}}.dump(), {}, "").status;
  };
  EXPECT_EQ(enrol("n2"), 403);
  EXPECT_EQ(enrol("n1"), 200);
  EXPECT_EQ(enrol("n1"), 403);
}

TEST_F(Access, EndsWithTheToken) {
  const auto secret = new_token("t", R"({"role": "viewer"})");
  EXPECT_EQ(status("GET", "/v1/nodes", secret), 200);
  EXPECT_EQ(call("PUT", "/v1/tokens/t", R"({"role": "viewer", "expires_at": "2001-01-01T00:00:00Z"})").status,
            200);
  EXPECT_EQ(status("GET", "/v1/nodes", secret), 401);
  EXPECT_EQ(call("PUT", "/v1/tokens/t", R"({"role": "viewer", "expires_at": "2099-01-01T00:00:00Z"})").status,
            200);
  EXPECT_EQ(status("GET", "/v1/nodes", secret), 200);
  EXPECT_EQ(call("DELETE", "/v1/tokens/t").status, 204);
  EXPECT_EQ(status("GET", "/v1/nodes", secret), 401);
}

TEST_F(Access, ShowsASecretOnce) {
  const auto made = call("POST", "/v1/tokens", R"({"name": "t", "role": "viewer"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(header(made, "Cache-Control"), "no-store");
  const auto secret = JsonValue::parse(made.body)["secret"].get<std::string>();
  EXPECT_GE(secret.size(), 46u);
  for (const char* path : {"/v1/tokens", "/v1/tokens/t", "/v1/audit"})
    EXPECT_THAT(call("GET", path).body, testing::Not(testing::HasSubstr(secret))) << path;
  EXPECT_FALSE(
      JsonValue::parse(call("PUT", "/v1/tokens/t", R"({"role": "viewer"})").body).contains("secret"));
}

TEST_F(Access, IsAudited) {
  const auto an_operator = new_token("o", R"({"role": "operator"})");
  ASSERT_EQ(status("PUT", "/v1/nodes/n1", an_operator, "{}"), 201);
  const auto newest = get("/v1/audit?limit=1")["items"][0];
  EXPECT_EQ(newest["author"], "token/o");
  EXPECT_EQ(newest["verb"], "create");
  EXPECT_EQ(newest["kind"], "node");
  EXPECT_EQ(newest["name"], "n1");
  EXPECT_EQ(newest["revision"], revision());
}

TEST(Operations, AreThoseOfTheDocument) {
  std::vector<std::pair<std::string, std::string>> ours;
  for (const auto& operation : operations()) {
    std::string method(operation.method);
    std::transform(method.begin(), method.end(), method.begin(), ::tolower);
    ours.emplace_back(method, operation.path_template);
  }
  EXPECT_THAT(ours, testing::UnorderedElementsAreArray(openapi::ApiDocument().operations()));
}

}  // namespace
}  // namespace headgate::handlers
