// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/transaction.hpp"

#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;
using testing::HasSubstr;

JsonValue operation(const std::string& method, const std::string& path, const std::string& body = "") {
  JsonValue made{{"method", method}, {"path", path}};
  if (!body.empty()) made["body"] = JsonValue::parse(body);
  return made;
}

class Transaction : public ApiFixture {
 protected:
  http::Response post(const std::vector<JsonValue>& operations, const std::string& query = "",
                      const std::string& secret = kAdmin) {
    return call("POST", "/v1/transactions" + query, JsonValue{{"operations", operations}}.dump(), {}, secret);
  }
  // "pointer code" of each error.
  static std::vector<std::string> errors(const http::Response& response) {
    std::vector<std::string> all;
    const auto problem = JsonValue::parse(response.body);
    for (const auto& error : problem["errors"])
      all.push_back(error["pointer"].get<std::string>() + " " + error["code"].get<std::string>());
    return all;
  }
};

TEST_F(Transaction, IsOneRevisionInWhicheverOrder) {
  const auto written =
      post({operation("PUT", "/v1/namespaces/a/routes/r",
                      R"({"listeners": ["l"], "rules": [{"forward": [{"pool": "p"}]}]})"),
            operation("POST", "/v1/namespaces/a/pools", R"({"name": "p"})"),
            operation("PUT", "/v1/namespaces/a", "{}"), operation("PUT", "/v1/shards/s", "{}"),
            operation("PUT", "/v1/listeners/l", R"({"address": "192.0.2.1", "port": 80, "shard": "s"})")});
  ASSERT_EQ(written.status, 200) << written.body;
  EXPECT_EQ(JsonValue::parse(written.body)["changes"].size(), 5u);
  EXPECT_EQ(header(written, "Headgate-Revision"), "2");
  EXPECT_EQ(get("/v1/namespaces/a/routes/r")["namespace"], "a");
  EXPECT_EQ(get("/v1/revisions?limit=1")["items"][0]["summary"], "POST /v1/transactions: 5 operations");
}

TEST_F(Transaction, StoresNothingWhereOneOperationFails) {
  put_simple_ingress();
  const auto refused = post({operation("PATCH", "/v1/shards/edge", R"({"replicas_per_node": 2})"),
                             operation("DELETE", "/v1/namespaces/default/pools/app")});
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_FALSE(get("/v1/shards/edge").contains("replicas_per_node"));
  EXPECT_EQ(revision(), 6);
}

TEST_F(Transaction, DeletesWhatNothingNeedsAfterIt) {
  put_simple_ingress();
  const auto written = post({operation("DELETE", "/v1/namespaces/default/pools/app"),
                             operation("DELETE", "/v1/namespaces/default/routes/app")});
  ASSERT_EQ(written.status, 200) << written.body;
  EXPECT_EQ(call("GET", "/v1/namespaces/default/pools/app").status, 404);
}

TEST_F(Transaction, SaysAllThatIsWrongAndWhere) {
  const auto refused = post(
      {operation("PUT", "/v1/nodes/n1/delta", "{}"),
       operation("PUT", "/v1/shards/s", R"({"colour": "blue"})"), operation("DELETE", "/v1/shards/t", "{}"),
       operation("PUT", "/v1/shards/u"), operation("PUT", "/v1/shards/v", R"({"name": "w"})"),
       operation("PUT", "/v1/shards/x", "{}"), operation("PATCH", "/v1/shards/x", "{}")});
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(
      errors(refused),
      testing::ElementsAre("/operations/0/path unknown_path", "/operations/1/body/colour unknown_field",
                           "/operations/2/body unknown_field", "/operations/3/body missing_field",
                           "/operations/4/body/name mismatch", "/operations/6/path duplicate"));
}

TEST_F(Transaction, PlacesWhatCompileSays) {
  const auto refused =
      post({operation("PUT", "/v1/shards/s", "{}"),
            operation("PUT", "/v1/listeners/l", R"({"address": "192.0.2.1", "port": 80, "shard": "gone"})")});
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(errors(refused), testing::ElementsAre(HasSubstr("/operations/1/body/shard ")));
}

TEST_F(Transaction, HoldsEachOperationToItsConditions) {
  put_simple_ingress();
  auto stale = operation("PUT", "/v1/shards/edge", "{}");
  stale["if_match"] = "\"999\"";
  EXPECT_EQ(post({stale}).status, 412);
  EXPECT_EQ(post({operation("PATCH", "/v1/shards/gone", "{}")}).status, 404);
  EXPECT_EQ(post({operation("POST", "/v1/shards", R"({"name": "edge"})")}).status, 409);
  EXPECT_EQ(post({operation("PUT", "/v1/namespaces/gone/pools/p", "{}")}).status, 404);
}

TEST_F(Transaction, DryRunStoresNothing) {
  const auto tried = post({operation("PUT", "/v1/shards/s", "{}")}, "?dry_run=true");
  EXPECT_EQ(tried.status, 200);
  EXPECT_EQ(JsonValue::parse(tried.body)["changes"].size(), 1u);
  EXPECT_EQ(call("GET", "/v1/shards/s").status, 404);
}

TEST_F(Transaction, LetsATeamWriteItsOwnNamespaceOnly) {
  put("/v1/namespaces/a", "{}");
  put("/v1/namespaces/b", "{}");
  const auto team = new_token("team", R"({"role": "editor", "namespaces": ["a"]})");
  EXPECT_EQ(post({operation("PUT", "/v1/namespaces/a/pools/p", "{}")}, "", team).status, 200);
  const auto refused = post({operation("PUT", "/v1/namespaces/a/pools/q", "{}"),
                             operation("PUT", "/v1/namespaces/b/pools/q", "{}")},
                            "", team);
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(call("GET", "/v1/namespaces/a/pools/q").status, 404);
}

}  // namespace
}  // namespace headgate::handlers
