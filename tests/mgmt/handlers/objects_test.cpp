// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/objects.hpp"

#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;
using testing::ElementsAre;

class Objects : public ApiFixture {};

TEST_F(Objects, PutCreatesThenReplaces) {
  const auto created = call("PUT", "/v1/nodes/n1", R"({"labels": {"zone": "a"}})");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(header(created, "Location"), "/v1/nodes/n1");
  EXPECT_EQ(header(created, "Headgate-Revision"), "2");
  EXPECT_EQ(header(created, "ETag"), "\"2\"");
  const auto body = JsonValue::parse(created.body);
  EXPECT_EQ(body["name"], "n1");
  EXPECT_EQ(body["labels"]["zone"], "a");
  EXPECT_EQ(body["meta"]["generation"], 1);

  const auto replaced = call("PUT", "/v1/nodes/n1", R"({"drain": true})");
  EXPECT_EQ(replaced.status, 200);
  const auto now = get("/v1/nodes/n1");
  EXPECT_EQ(now["meta"]["generation"], 2);
  EXPECT_EQ(now["meta"]["uid"], body["meta"]["uid"]);
  EXPECT_FALSE(now.contains("labels"));
}

TEST_F(Objects, ThatDoNotChangeMakeNoRevision) {
  put("/v1/nodes/n1", R"({"drain": true, "labels": {"a": "b"}})");
  const auto again = call("PUT", "/v1/nodes/n1", R"({"labels": {"a": "b"}, "drain": true, "name": "n1"})");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(header(again, "Headgate-Revision"), "2");
  EXPECT_EQ(JsonValue::parse(again.body)["meta"]["generation"], 1);
}

TEST_F(Objects, TakeWhatWasRead) {
  put_simple_ingress();
  for (const char* path : {"/v1/nodes/n1", "/v1/shards/edge", "/v1/listeners/web", "/v1/namespaces/default",
                           "/v1/namespaces/default/routes/app", "/v1/namespaces/default/pools/app"}) {
    const auto read = call("GET", path);
    const auto written = call("PUT", path, read.body, {{"if-match", header(read, "ETag")}});
    EXPECT_EQ(written.status, 200) << path << written.body;
    EXPECT_EQ(JsonValue::parse(written.body), JsonValue::parse(read.body)) << path;
  }
}

TEST_F(Objects, PostCreatesUnderTheNameInTheBody) {
  const auto created = call("POST", "/v1/namespaces/default/pools", R"({"name": "app"})");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(header(created, "Location"), "/v1/namespaces/default/pools/app");
  EXPECT_EQ(get("/v1/namespaces/default/pools/app")["namespace"], "default");
}

TEST_F(Objects, PatchMerges) {
  put("/v1/nodes/n1", R"({"labels": {"zone": "a", "rack": "7"}, "drain": true})");
  const auto patched =
      call("PATCH", "/v1/nodes/n1", R"({"labels": {"rack": null, "row": "3"}, "drain": null})",
           {{"content-type", "application/merge-patch+json"}});
  EXPECT_EQ(patched.status, 200) << patched.body;
  const auto now = get("/v1/nodes/n1");
  EXPECT_EQ(now["labels"], (JsonValue{{"zone", "a"}, {"row", "3"}}));
  EXPECT_FALSE(now.contains("drain"));
}

TEST_F(Objects, DeleteTakesTheETagThatWasRead) {
  put("/v1/nodes/n1", "{}");
  const auto etag = header(call("GET", "/v1/nodes/n1"), "ETag");
  EXPECT_EQ(call("DELETE", "/v1/nodes/n1", "", {{"if-match", "\"77\", " + etag}}).status, 204);
  EXPECT_EQ(call("GET", "/v1/nodes/n1").status, 404);
}

TEST_F(Objects, AreNotSentAgainToWhoHasThem) {
  put("/v1/nodes/n1", "{}");
  const auto etag = header(call("GET", "/v1/nodes/n1"), "ETag");
  const auto again = call("GET", "/v1/nodes/n1", "", {{"if-none-match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
}

TEST_F(Objects, DeleteNamesWhoRefersToIt) {
  put_simple_ingress();
  const auto refused = call("DELETE", "/v1/namespaces/default/pools/app");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, testing::HasSubstr("route default/app"));
}

TEST_F(Objects, DryRunShowsTheDiffAndStoresNothing) {
  put("/v1/nodes/n1", R"({"drain": false})");
  const auto tried = call("PUT", "/v1/nodes/n1?dry_run=true", R"({"drain": true})");
  EXPECT_EQ(tried.status, 200) << tried.body;
  const auto body = JsonValue::parse(tried.body);
  EXPECT_EQ(body["dry_run"], true);
  ASSERT_EQ(body["changes"].size(), 1u);
  EXPECT_EQ(body["changes"][0]["verb"], "update");
  EXPECT_EQ(body["changes"][0]["diff"],
            (JsonValue::array({{{"op", "replace"}, {"path", "/drain"}, {"value", true}}})));
  EXPECT_EQ(get("/v1/nodes/n1")["drain"], false);
  EXPECT_EQ(revision(), 2);
  EXPECT_EQ(call("DELETE", "/v1/nodes/n1?dry_run=true").status, 200);
  EXPECT_EQ(call("PUT", "/v1/nodes/n2?dry_run=true", R"({"drian": 1})").status, 422);
  put("/v1/nodes/n1", R"({"drain": true})");  // the compiler has forgotten what was only tried
  EXPECT_EQ(revision(), 3);
}

TEST_F(Objects, AreListedInPages) {
  for (const char* name : {"b", "d", "a", "c", "e"}) put(std::string("/v1/nodes/") + name, "{}");
  std::vector<std::string> names;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = get("/v1/nodes?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& item : page["items"]) names.push_back(item["name"]);
    cursor = page.value("next_cursor", "");
    ++pages;
  } while (!cursor.empty());
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(pages, 3);
}

TEST_F(Objects, AreSelectedByLabels) {
  put("/v1/nodes/a", R"({"labels": {"zone": "x", "rack": "1"}})");
  put("/v1/nodes/b", R"({"labels": {"zone": "x"}})");
  put("/v1/nodes/c", R"({"labels": {"zone": "y", "rack": "1"}})");
  EXPECT_EQ(get("/v1/nodes?labels=zone=x")["items"].size(), 2u);
  const auto both = get("/v1/nodes?labels=zone=x,rack=1")["items"];
  ASSERT_EQ(both.size(), 1u);
  EXPECT_EQ(both[0]["name"], "a");
}

TEST_F(Objects, AreThereAfterARestart) {
  put_simple_ingress();
  const auto before = get("/v1/namespaces/default/routes/app");
  open();
  EXPECT_EQ(get("/v1/namespaces/default/routes/app")["meta"], before["meta"]);
}

}  // namespace
}  // namespace headgate::handlers
