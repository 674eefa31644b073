// SPDX-License-Identifier: Apache-2.0
// The issue's bad input: each kind gets its status, a problem document that says where and why, and stores
// nothing.
#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::Headers;
using test::JsonValue;

struct BadInput {
  const char* description;
  std::string method;
  std::string target;
  std::string body;
  Headers headers;
  int status;
  std::vector<std::string> places;  // "pointer code" of each error, in any order
};
void PrintTo(const BadInput& bad, std::ostream* out) { *out << bad.description; }

class BadInputTest : public ApiFixture, public testing::WithParamInterface<BadInput> {};

TEST_P(BadInputTest, IsRefusedAndStoresNothing) {
  put_simple_ingress();
  const auto before = get("/v1/config");
  const auto revision_before = revision();
  const auto& bad = GetParam();

  const auto response = call(bad.method, bad.target, bad.body, bad.headers);

  EXPECT_EQ(response.status, bad.status) << response.body;
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto problem = JsonValue::parse(response.body);
  EXPECT_EQ(problem["status"], bad.status);
  EXPECT_FALSE(problem["detail"].get<std::string>().empty());
  EXPECT_TRUE(document().check("Problem", problem).empty());
  std::vector<std::string> places;
  for (const auto& error : problem.value("errors", JsonValue::array())) {
    places.push_back(error["pointer"].get<std::string>() + " " + error["code"].get<std::string>());
    EXPECT_FALSE(error["detail"].get<std::string>().empty());
  }
  EXPECT_THAT(places, testing::UnorderedElementsAreArray(bad.places)) << response.body;
  EXPECT_EQ(get("/v1/config"), before);
  EXPECT_EQ(revision(), revision_before);
}

const char* const kListener = "/v1/listeners/web2";
const char* const kRoute = "/v1/namespaces/default/routes/r";
const char* const kPool = "/v1/namespaces/default/pools/p";

INSTANTIATE_TEST_SUITE_P(
    Shape, BadInputTest,
    testing::Values(
        BadInput{"invalid JSON", "PUT", "/v1/nodes/n2", R"({"roles": )", {}, 400, {" invalid_json"}},
        BadInput{"no body", "PUT", "/v1/nodes/n2", "", {}, 400, {" invalid_json"}},
        BadInput{"a field twice",
                 "PUT",
                 "/v1/nodes/n2",
                 R"({"drain": true, "drain": false})",
                 {},
                 400,
                 {"/drain duplicate_field"}},
        BadInput{"another media type",
                 "PUT",
                 "/v1/nodes/n2",
                 "{}",
                 {{"content-type", "application/x-www-form-urlencoded"}},
                 415,
                 {}},
        BadInput{"a body where none belongs", "DELETE", "/v1/nodes/n1", "{}", {}, 400, {}},
        BadInput{"unknown fields, all of them",
                 "PUT",
                 "/v1/nodes/n2",
                 R"({"role": [], "drian": true})",
                 {},
                 422,
                 {"/role unknown_field", "/drian unknown_field"}},
        BadInput{"wrong types",
                 "PUT",
                 "/v1/nodes/n2",
                 R"({"roles": "ingress", "drain": 1, "labels": {"a": 1}})",
                 {},
                 422,
                 {"/roles wrong_type", "/drain wrong_type", "/labels/a wrong_type"}},
        BadInput{"no object", "PUT", "/v1/nodes/n2", "[]", {}, 422, {" wrong_type"}},
        BadInput{"a role that there is not",
                 "PUT",
                 "/v1/nodes/n2",
                 R"({"roles": ["boss"]})",
                 {},
                 422,
                 {"/roles/0 invalid_value"}},
        BadInput{"an unknown query parameter", "PUT", "/v1/nodes/n2?dryrun=true", "{}", {}, 400, {}},
        BadInput{"a wait for something else", "PUT", "/v1/nodes/n2?wait=forever", "{}", {}, 400, {}},
        BadInput{"a timeout without a unit", "PUT", "/v1/nodes/n2?wait=applied&timeout=5", "{}", {}, 400, {}},
        BadInput{
            "a timeout that is too long", "PUT", "/v1/nodes/n2?wait=applied&timeout=2h", "{}", {}, 400, {}},
        BadInput{"a limit that is none", "GET", "/v1/nodes?limit=0", "", {}, 400, {}},
        BadInput{"labels that are none", "GET", "/v1/nodes?labels=zone", "", {}, 400, {}}));

INSTANTIATE_TEST_SUITE_P(
    Names, BadInputTest,
    testing::Values(
        BadInput{"a name with capitals", "PUT", "/v1/nodes/N2", "{}", {}, 422, {"/name invalid_value"}},
        BadInput{"a name that is too long",
                 "PUT",
                 "/v1/nodes/" + std::string(64, 'a'),
                 "{}",
                 {},
                 422,
                 {"/name invalid_value"}},
        BadInput{"a name with a slash", "PUT", "/v1/nodes/a%2Fb", "{}", {}, 422, {"/name invalid_value"}},
        BadInput{"a name that is not the path's",
                 "PUT",
                 "/v1/nodes/n2",
                 R"({"name": "n3"})",
                 {},
                 422,
                 {"/name mismatch"}},
        BadInput{"no name to create by", "POST", "/v1/nodes", "{}", {}, 422, {"/name missing_field"}},
        BadInput{"a namespace that is not the path's",
                 "PUT",
                 kPool,
                 R"({"namespace": "other"})",
                 {},
                 422,
                 {"/namespace mismatch"}}));

INSTANTIATE_TEST_SUITE_P(
    Values, BadInputTest,
    testing::Values(BadInput{"an address that is none",
                             "PUT",
                             kListener,
                             R"({"address": "192.0.2.300", "port": 80, "shard": "edge"})",
                             {},
                             422,
                             {"/address invalid_value"}},
                    BadInput{"a port out of range",
                             "PUT",
                             kListener,
                             R"({"address": "192.0.2.1", "port": 65536, "shard": "edge"})",
                             {},
                             422,
                             {"/port invalid_value"}},
                    BadInput{"a protocol whose listeners end on pools",
                             "PUT",
                             kListener,
                             R"({"address": "192.0.2.1", "port": 443, "protocol": "tcp", "shard": "edge"})",
                             {},
                             422,
                             {"/pool missing_field", "/forwarding missing_field", "/shard invalid_value"}},
                    BadInput{"a duration without a unit",
                             "PUT",
                             "/v1/shards/s",
                             R"({"timeouts": {"idle": "60"}})",
                             {},
                             422,
                             {"/timeouts/idle invalid_value"}},
                    BadInput{"a size with a wrong unit",
                             "PUT",
                             "/v1/shards/s",
                             R"({"memory_max_per_replica": "5MB"})",
                             {},
                             422,
                             {"/memory_max_per_replica invalid_value"}},
                    BadInput{"faults of shape and of value at once",
                             "PUT",
                             kListener,
                             R"({"address": "nowhere", "port": -1, "shard": "edge", "extra": 1})",
                             {},
                             422,
                             {"/address invalid_value", "/port invalid_value", "/extra unknown_field"}},
                    BadInput{"what is needed is missing",
                             "PUT",
                             kListener,
                             "{}",
                             {},
                             422,
                             {"/address missing_field", "/port missing_field", "/shard missing_field"}}));

INSTANTIATE_TEST_SUITE_P(
    References, BadInputTest,
    testing::Values(
        BadInput{"a shard that is missing",
                 "PUT",
                 kListener,
                 R"({"address": "192.0.2.1", "port": 80, "shard": "nope"})",
                 {},
                 422,
                 {"/shard missing_reference"}},
        BadInput{"listener and pools that are missing",
                 "PUT",
                 kRoute,
                 R"({"listeners": ["nope"], "rules": [{"forward": [{"pool": "app"}, {"pool": "nope"}]}]})",
                 {},
                 422,
                 {"/listeners/0 missing_reference", "/rules/0/forward/1/pool missing_reference"}},
        BadInput{"a namespace that is missing", "PUT", "/v1/namespaces/nope/pools/p", "{}", {}, 404, {}},
        BadInput{"an object that is missing", "GET", "/v1/nodes/n9", "", {}, 404, {}},
        BadInput{"to delete what is missing", "DELETE", "/v1/nodes/n9", "", {}, 404, {}},
        BadInput{"to patch what is missing", "PATCH", "/v1/nodes/n9", "{}", {}, 404, {}},
        BadInput{"a path that is missing", "GET", "/v1/widgets", "", {}, 404, {}},
        BadInput{"a method that the path lacks", "POST", "/v1/nodes/n1", "{}", {}, 405, {}}));

INSTANTIATE_TEST_SUITE_P(
    Conflicts, BadInputTest,
    testing::Values(
        BadInput{"two listeners on one address",
                 "PUT",
                 kListener,
                 R"({"address": "192.0.2.100", "port": 80, "shard": "edge"})",
                 {},
                 409,
                 {"/hostname hostname_taken"}},
        BadInput{
            "to create what exists", "POST", "/v1/nodes", R"({"name": "n1"})", {}, 409, {"/name exists"}},
        BadInput{"to delete a shard in use", "DELETE", "/v1/shards/edge", "", {}, 409, {" in_use"}},
        BadInput{"to delete a pool in use",
                 "DELETE",
                 "/v1/namespaces/default/pools/app",
                 "",
                 {},
                 409,
                 {" in_use"}},
        BadInput{
            "a stale ETag", "PUT", "/v1/nodes/n1", R"({"drain": true})", {{"if-match", "\"1\""}}, 412, {}},
        BadInput{
            "a weak ETag", "PUT", "/v1/nodes/n1", R"({"drain": true})", {{"if-match", "W/\"2\""}}, 412, {}},
        BadInput{"If-Match of what is missing", "PUT", "/v1/nodes/n9", "{}", {{"if-match", "*"}}, 412, {}},
        BadInput{
            "If-None-Match of what exists", "PUT", "/v1/nodes/n1", "{}", {{"if-none-match", "*"}}, 412, {}},
        BadInput{"a stale ETag to delete", "DELETE", "/v1/nodes/n1", "", {{"if-match", "\"999\""}}, 412, {}},
        BadInput{"a stale ETag to patch", "PATCH", "/v1/nodes/n1", "{}", {{"if-match", "\"999\""}}, 412, {}},
        BadInput{"a stale configuration", "PUT", "/v1/config", "{}", {{"if-match", "\"1\""}}, 412, {}}));

INSTANTIATE_TEST_SUITE_P(
    Patches, BadInputTest,
    testing::Values(
        BadInput{"a patch to nothing valid",
                 "PATCH",
                 "/v1/listeners/web",
                 R"({"port": null, "prot": 1})",
                 {},
                 422,
                 {"/port missing_field", "/prot unknown_field"}},
        BadInput{"a patch that is no object", "PATCH", "/v1/nodes/n1", "[1]", {}, 422, {" wrong_type"}},
        BadInput{"a patch of the name",
                 "PATCH",
                 "/v1/nodes/n1",
                 R"({"name": "n2"})",
                 {},
                 422,
                 {"/name mismatch"}}));

INSTANTIATE_TEST_SUITE_P(
    Configurations, BadInputTest,
    testing::Values(
        BadInput{"an unknown kind", "PUT", "/v1/config", R"({"node": []})", {}, 422, {"/node unknown_field"}},
        BadInput{"objects without a name",
                 "PUT",
                 "/v1/config",
                 R"({"nodes": [{}], "pools": [{}]})",
                 {},
                 422,
                 {"/nodes/0/name missing_field", "/pools/0/name missing_field"}},
        BadInput{"an object twice",
                 "PUT",
                 "/v1/config",
                 R"({"nodes": [{"name": "a"}, {"name": "b"}, {"name": "a"}]})",
                 {},
                 422,
                 {"/nodes/2/name duplicate"}},
        BadInput{"faults of several objects",
                 "PUT",
                 "/v1/config",
                 R"({"shards": [{"name": "s"}],
                     "listeners": [{"name": "l", "address": "192.0.2.1", "port": 80, "shard": "t"}],
                     "routes": [{"name": "r", "listeners": ["k"], "rules": []}]})",
                 {},
                 422,
                 {"/listeners/0/shard missing_reference", "/routes/0/listeners/0 missing_reference"}},
        BadInput{
            "a token in it", "PUT", "/v1/config", R"({"tokens": []})", {}, 422, {"/tokens unknown_field"}}));

INSTANTIATE_TEST_SUITE_P(
    Tokens, BadInputTest,
    testing::Values(
        BadInput{"a role that there is not",
                 "PUT",
                 "/v1/tokens/t",
                 R"({"role": "king"})",
                 {},
                 422,
                 {"/role invalid_value"}},
        BadInput{"an editor of nothing",
                 "PUT",
                 "/v1/tokens/t",
                 R"({"role": "editor"})",
                 {},
                 422,
                 {"/namespaces missing_field"}},
        BadInput{"an admin of a namespace",
                 "PUT",
                 "/v1/tokens/t",
                 R"({"role": "admin", "namespaces": ["a"]})",
                 {},
                 422,
                 {"/namespaces unknown_field"}},
        BadInput{"a day that there is not",
                 "PUT",
                 "/v1/tokens/t",
                 R"({"role": "viewer", "expires_at": "2027-02-30T00:00:00Z"})",
                 {},
                 422,
                 {"/expires_at invalid_value"}},
        BadInput{"to create one that exists",
                 "POST",
                 "/v1/tokens",
                 R"({"name": "admin", "role": "admin"})",
                 {},
                 409,
                 {"/name exists"}},
        BadInput{"to delete the last admin", "DELETE", "/v1/tokens/admin", "", {}, 409, {}},
        BadInput{"to demote the last admin", "PUT", "/v1/tokens/admin", R"({"role": "viewer"})", {}, 409, {}},
        BadInput{"to delete one that is missing", "DELETE", "/v1/tokens/t", "", {}, 404, {}},
        BadInput{"an enrolment of a node that is missing", "POST", "/v1/nodes/n9/enrolment", "", {}, 404, {}},
        BadInput{"an enrolment with a wrong token",
                 "POST",
                 "/v1/enroll",
                 R"({"node": "n1", "token": "hg_x"})",
                 {},
                 403,
                 {}},
        BadInput{"a revision that there is not", "GET", "/v1/revisions/999", "", {}, 404, {}},
        BadInput{"a revision that is no number", "GET", "/v1/revisions/one", "", {}, 404, {}}));

}  // namespace
}  // namespace headgate::handlers
