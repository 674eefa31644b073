// SPDX-License-Identifier: Apache-2.0
#include "mgmt/openapi/api_document.hpp"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dataplane/contract/enum_names.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::openapi {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

const ApiDocument& document() {
  static const ApiDocument kDocument;
  return kDocument;
}

// "pointer code", sorted.
std::vector<std::string> places(std::string_view schema, const char* body) {
  std::vector<std::string> places;
  for (const auto& error : document().check(schema, Json::parse(body))) {
    EXPECT_FALSE(error.detail.empty());
    places.push_back(error.pointer + " " + error.code);
  }
  std::sort(places.begin(), places.end());
  return places;
}

TEST(ApiDocument, TakesTheSmallestOfEach) {
  EXPECT_THAT(places("Node", "{}"), IsEmpty());
  EXPECT_THAT(places("Shard", "{}"), IsEmpty());
  EXPECT_THAT(places("Listener", R"({"address": "192.0.2.1", "port": 80, "shard": "edge"})"), IsEmpty());
  EXPECT_THAT(places("Namespace", "{}"), IsEmpty());
  EXPECT_THAT(places("Route", R"({"listeners": ["web"], "rules": []})"), IsEmpty());
  EXPECT_THAT(places("Pool", "{}"), IsEmpty());
  EXPECT_THAT(places("Token", R"({"role": "viewer"})"), IsEmpty());
  EXPECT_THAT(places("Config", "{}"), IsEmpty());
}

// Under TSan: the first patterns that this process compiles are compiled by two threads.
TEST(ApiDocument, ChecksOnSeveralThreadsAtOnce) {
  const ApiDocument document;
  const auto body = Json::parse(R"({"listeners": ["web"], "rules": []})");
  auto other = std::async(std::launch::async, [&] { return document.check("Route", body); });
  EXPECT_THAT(document.check("Route", body), IsEmpty());
  EXPECT_THAT(other.get(), IsEmpty());
}

TEST(ApiDocument, TakesWhatItAnswered) {
  EXPECT_THAT(
      places("Node", R"({"name": "n1", "meta": {"uid": "x", "more": 1}, "status": {"conditions": []}})"),
      IsEmpty());
}

TEST(ApiDocument, NamesEveryFaultAtOnce) {
  EXPECT_THAT(
      places("Listener", R"({"adress": "192.0.2.1", "prot": 80, "port": "80", "protocol": "gopher"})"),
      ElementsAre("/address missing_field", "/adress unknown_field", "/port wrong_type",
                  "/prot unknown_field", "/protocol invalid_value"));
}

TEST(ApiDocument, PointsIntoTheDepth) {
  EXPECT_THAT(
      places(
          "Route",
          R"({"listeners": ["web"], "rules": [{"filters": {"redirct": {}}}, {"matches": [{"path": {"valu/e~": "/"}}],
                                  "forward": [{"pool": "app", "weight": -1}, {"pool": "A"}]}]})"),
      ElementsAre("/rules/0/filters/redirct unknown_field", "/rules/1/forward/0/weight invalid_value",
                  "/rules/1/forward/1/pool invalid_value", "/rules/1/matches/0/path/value missing_field",
                  "/rules/1/matches/0/path/valu~1e~0 unknown_field"));
}

TEST(ApiDocument, NamesFieldsOfAnyBytes) {
  EXPECT_THAT(places("Node", R"({"a'b'.": 1, "": 2, "constraints: '": 3, "[x]": 4})"),
              ElementsAre("/ unknown_field", "/[x] unknown_field", "/a'b'. unknown_field",
                          "/constraints: ' unknown_field"));
}

TEST(ApiDocument, SaysWhatItExpects) {
  const auto errors =
      document().check("Listener", Json::parse(R"({"address": "::1", "port": 0, "shard": "edge"})"));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].detail, "Expected an integer from 1 to 65535.");
  const auto of_enum = document().check("Token", Json::parse(R"({"role": "king"})"));
  ASSERT_EQ(of_enum.size(), 1u);
  EXPECT_EQ(of_enum[0].detail, R"(Expected one of "admin", "operator", "viewer", "editor".)");
}

TEST(ApiDocument, KnowsTheFieldsOfTheAccessLog) {
  const auto of_one = [](std::string_view name) {
    Json body;
    body["access_log"]["fields"] = {name};
    return document().check("Shard", body);
  };
  for (const auto name : contract::EnumNames<contract::LogField>::kNames)
    EXPECT_THAT(of_one(name), IsEmpty()) << name;
  EXPECT_EQ(of_one("agent").size(), 1u);
}

TEST(ApiDocument, RefusesWhatIsNoObject) {
  for (const char* body : {"[]", "1", "null", "\"x\""}) {
    EXPECT_THAT(places("Node", body), ElementsAre(" wrong_type")) << body;
    EXPECT_THAT(places("Config", body), ElementsAre(" wrong_type")) << body;
  }
}

TEST(ApiDocument, PointsIntoAWholeConfiguration) {
  EXPECT_THAT(
      places(
          "Config",
          R"({"node": [], "pools": 3, "routes": [{"listeners": ["web"], "rules": []}, {"listeners": "web", "rules": []}]})"),
      ElementsAre("/node unknown_field", "/pools wrong_type", "/routes/1/listeners wrong_type"));
}

TEST(ApiDocument, StopsAtEnoughErrors) {
  Json config{{"pools", Json::array()}};
  for (int i = 0; i < 100'000; ++i) config["pools"].push_back({{"x", i}});
  EXPECT_EQ(document().check("Config", config).size(), limits::kApiErrorsMax);
  Json pool = Json::object();
  for (int i = 0; i < 500; ++i) pool["x" + std::to_string(i)] = i;
  EXPECT_LE(document().check("Pool", pool).size(), limits::kApiErrorsMax);
}

TEST(ApiDocument, KnowsTheQueryParametersOfAnOperation) {
  EXPECT_THAT(document().query_parameters("get", "/v1/nodes/{name}/delta"),
              testing::UnorderedElementsAre("base", "timeout"));
  EXPECT_THAT(document().query_parameters("get", "/v1/nodes/{name}"), IsEmpty());
}

TEST(ApiDocument, KnowsTheBodyOfAnOperation) {
  EXPECT_EQ(document().body_type("put", "/v1/nodes/{name}"), "application/json");
  EXPECT_EQ(document().body_type("patch", "/v1/nodes/{name}"), "application/merge-patch+json");
  EXPECT_EQ(document().body_type("get", "/v1/nodes/{name}"), "");
  EXPECT_THAT(document().check("put", "/v1/nodes/{name}", Json::object()), IsEmpty());
  EXPECT_EQ(document().check("patch", "/v1/nodes/{name}", Json::array()).size(), 1u);
}

}  // namespace
}  // namespace headgate::openapi
