// SPDX-License-Identifier: Apache-2.0
// The filters of a rule: what is read, and what is refused and where.
#include <gmock/gmock.h>

#include "mgmt/compile/parse.hpp"

namespace headgate::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const db::ObjectKey kKey{db::Kind::kRoute, "default", "x"};

Parsed parse_rule(const std::string& rule) {
  return parse_resource(kKey, R"({"listeners":["l"],"rules":[)" + rule + "]}");
}

// "pointer code" below the rule.
std::vector<std::string> faults_of_rule(const std::string& rule) {
  std::vector<std::string> found;
  for (const auto& problem : parse_rule(rule).problems)
    found.push_back(problem.pointer.substr(std::string("/rules/0").size()) + " " + problem.code);
  return found;
}

std::vector<std::string> faults_of(const std::string& filters) {
  return faults_of_rule(R"({"forward":[{"pool":"p"}],"filters":{)" + filters + "}}");
}
std::vector<std::string> faults_of_answer(const std::string& filters) {
  return faults_of_rule(R"({"filters":{)" + filters + "}}");
}

contract::Filters read(const std::string& filters) {
  const auto result = parse_rule(R"({"forward":[{"pool":"p"}],"filters":{)" + filters + "}}");
  for (const auto& problem : result.problems) ADD_FAILURE() << problem.pointer << ": " << problem.detail;
  return result.resource ? *std::get<Route>(*result.resource).rules[0].filters : contract::Filters{};
}

TEST(ParseFilters, ARuleForwardsOrAnswers) {
  EXPECT_THAT(faults_of_answer(R"("redirect":{"scheme":"https"})"), IsEmpty());
  EXPECT_THAT(faults_of_answer(R"("direct_response":{})"), IsEmpty());
  EXPECT_THAT(faults_of_answer(R"("cors":{"origins":["*"]})"), ElementsAre("/forward missing_field"));
  EXPECT_THAT(faults_of(R"("redirect":{"scheme":"https"})"), ElementsAre("/forward invalid_value"));
  EXPECT_THAT(faults_of_answer(R"("redirect":{},"direct_response":{},"rewrite":{"hostname":"a.example"})"),
              ElementsAre("/filters/direct_response invalid_value", "/filters/rewrite invalid_value"));
  EXPECT_THAT(faults_of_rule(R"({"forward":[{"pool":"p","filters":{"direct_response":{"status":503}}}]})"),
              IsEmpty());
}

TEST(ParseFilters, AMirrorNamesAPoolAndAShare) {
  EXPECT_EQ(read(R"("mirror":[{"pool":"p"},{"pool":"n/q","percent":5}])").mirror,
            (std::vector<contract::Mirror>{{"default/p", 100}, {"n/q", 5}}));
  EXPECT_THAT(faults_of(R"("mirror":[{},{"pool":"UP"},{"pool":"p","percent":101}])"),
              ElementsAre("/filters/mirror/0/pool missing_field", "/filters/mirror/1/pool invalid_name",
                          "/filters/mirror/2/percent out_of_range"));
  EXPECT_THAT(faults_of(R"("mirror":[{"pool":"a"},{"pool":"b"},{"pool":"c"},{"pool":"d"},{"pool":"e"}])"),
              ElementsAre("/filters/mirror out_of_range"));
  EXPECT_THAT(faults_of_answer(R"("redirect":{"scheme":"https"},"mirror":[{"pool":"p"}])"),
              ElementsAre("/filters/mirror invalid_value"));
}

TEST(ParseFilters, ABodyIsBufferedUpToABound) {
  EXPECT_EQ(read(R"("buffer_request":{"max_bytes":"64Ki"})").buffer_request->max_bytes, 65536u);
  EXPECT_THAT(faults_of(R"("buffer_request":{})"),
              ElementsAre("/filters/buffer_request/max_bytes missing_field"));
  EXPECT_THAT(faults_of(R"("buffer_request":{"max_bytes":"65Mi"})"),
              ElementsAre("/filters/buffer_request/max_bytes out_of_range"));
  EXPECT_THAT(faults_of_answer(R"("redirect":{"scheme":"https"},"buffer_request":{"max_bytes":"1"})"),
              ElementsAre("/filters/buffer_request invalid_value"));
}

TEST(ParseFilters, WhatFramesAMessageOrSaysWhoTheClientIsStaysOurs) {
  for (const auto* name :
       {"Content-Length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "X-Forwarded-For",
        "x-forwarded-anything", "forwarded", "headgate-context", "x-request-id", "host", "keep-alive",
        "expect", "x-real-ip", "Client-Cert", "client-cert-chain"}) {
    const std::string field = R"({"name":")" + std::string(name) + R"(","value":"1"})";
    for (const std::string filter : {"request_headers", "response_headers"}) {
      const std::string prefix = "/filters/" + filter;
      EXPECT_THAT(faults_of("\"" + filter + R"(":{"set":[)" + field + R"(],"add":[)" + field +
                            R"(],"remove":[")" + name + R"("]})"),
                  ElementsAre(prefix + "/set/0/name not_allowed", prefix + "/add/0/name not_allowed",
                              prefix + "/remove/0 not_allowed"))
          << name;
    }
    EXPECT_THAT(faults_of_answer(R"("direct_response":{"headers":[)" + field + "]}"),
                ElementsAre("/filters/direct_response/headers/0/name not_allowed"));
  }
}

TEST(ParseFilters, HeaderEdits) {
  const auto filters = read(R"("request_headers":{"set":[{"name":"X-A","value":"1"}],
                               "add":[{"name":"x-a","value":"2"},{"name":"x-a","value":"3"}],"remove":["X-B"]})");
  EXPECT_EQ(*filters.request_headers,
            (contract::HeaderEdit{{{"x-a", "1"}}, {{"x-a", "2"}, {"x-a", "3"}}, {"x-b"}}));
  EXPECT_THAT(faults_of(R"("request_headers":{"set":[{"name":"a","value":"1"},{"name":"A","value":"2"},
                           {"name":"b:","value":"\r\n"},{"value":"x"}],"remove":[""],"replace":[]})"),
              ElementsAre("/filters/request_headers/set/1/name duplicate",
                          "/filters/request_headers/set/2/name invalid_value",
                          "/filters/request_headers/set/2/value invalid_value",
                          "/filters/request_headers/set/3/name missing_field",
                          "/filters/request_headers/remove/0 invalid_value",
                          "/filters/request_headers/replace unknown_field"));
}

TEST(ParseFilters, RedirectAndRewrite) {
  EXPECT_THAT(
      faults_of_answer(R"("redirect":{"scheme":"ftp","hostname":"*.a.example","port":0,"status":305,
                                  "path":{"value":"a"}})"),
      ElementsAre("/filters/redirect/scheme invalid_value", "/filters/redirect/hostname invalid_value",
                  "/filters/redirect/path/value invalid_value", "/filters/redirect/port out_of_range",
                  "/filters/redirect/status invalid_value"));
  EXPECT_THAT(
      faults_of(R"("rewrite":{"hostname":"10.0.0.1","path":{"type":"part"}})"),
      ElementsAre("/filters/rewrite/hostname invalid_value", "/filters/rewrite/path/value missing_field",
                  "/filters/rewrite/path/type invalid_value"));
  for (const auto* value : {"/a/../b", "/a?b", "/a%00", "/a%5Cb", "/..%2Fb", ""})
    EXPECT_THAT(faults_of(R"("rewrite":{"path":{"value":")" + std::string(value) + R"("}})"),
                ElementsAre("/filters/rewrite/path/value invalid_value"))
        << value;
}

TEST(ParseFilters, APrefixIsReplacedOnlyWherePrefixesMatch) {
  const std::string rest =
      R"(,"forward":[{"pool":"p"}],"filters":{"rewrite":{"path":{"type":"prefix","value":""}}}})";
  EXPECT_THAT(faults_of_rule(R"({"matches":[{"path":{"value":"/a"}},{"path":{"value":"/b"}}])" + rest),
              IsEmpty());
  EXPECT_THAT(faults_of_rule(R"({"matches":[])" + rest), IsEmpty());
  EXPECT_THAT(
      faults_of_rule(R"({"matches":[{"path":{"value":"/a"}},{"path":{"type":"exact","value":"/b"}}])" + rest),
      ElementsAre("/filters/rewrite/path/type invalid_value"));
}

TEST(ParseFilters, OriginsAreReadAsBrowsersWriteThem) {
  const auto cors = *read(R"("cors":{"origins":["HTTPS://A.example:443","http://*.b.example:8080",
    "http://[::1]:80","https://10.0.0.1","chrome-extension://abc","*"],"max_age":"1h"})")
                         .cors;
  EXPECT_THAT(cors.origins, ElementsAre("https://a.example", "http://*.b.example:8080", "http://[::1]",
                                        "https://10.0.0.1", "chrome-extension://abc", "*"));
  EXPECT_EQ(cors.max_age, std::chrono::hours(1));
  EXPECT_THAT(faults_of(R"("cors":{"origins":["a.example","https://","https://a.example/","https://a:0",
                           "https://a.*.example"],"methods":["G ET"]})"),
              ElementsAre("/filters/cors/origins/0 invalid_value", "/filters/cors/origins/1 invalid_value",
                          "/filters/cors/origins/2 invalid_value", "/filters/cors/origins/3 invalid_value",
                          "/filters/cors/origins/4 invalid_value", "/filters/cors/methods/0 invalid_value"));
  EXPECT_THAT(faults_of(R"("cors":{})"), ElementsAre("/filters/cors/origins missing_field"));
}

TEST(ParseFilters, AccessAndRate) {
  EXPECT_THAT(faults_of(R"("ip_access":{})"), ElementsAre("/filters/ip_access/allow missing_field"));
  EXPECT_THAT(
      faults_of(R"("ip_access":{"allow":["10.0.0.1/8"],"deny":["x"]})"),
      ElementsAre("/filters/ip_access/allow/0 invalid_value", "/filters/ip_access/deny/0 invalid_value"));
  const auto limit =
      *read(R"("rate_limit":{"requests":5,"per":"1m","key":"header","header":"X-Key"})").rate_limit;
  EXPECT_EQ(limit, (contract::RateLimit{5, std::chrono::minutes(1), 5, contract::RateKey::kHeader, "x-key"}));
  EXPECT_THAT(
      faults_of(R"("rate_limit":{"requests":0,"per":"2h","burst":0,"header":"a"})"),
      ElementsAre("/filters/rate_limit/requests out_of_range", "/filters/rate_limit/per out_of_range",
                  "/filters/rate_limit/burst out_of_range", "/filters/rate_limit/header invalid_value"));
  EXPECT_THAT(faults_of(R"("rate_limit":{"requests":1,"key":"header"})"),
              ElementsAre("/filters/rate_limit/header missing_field"));
}

TEST(ParseFilters, ALimitCountsByNoHeaderThatARequestHasNotWhenItIsRouted) {
  const auto by = [](const std::string& name) {
    return R"("rate_limit":{"requests":1,"key":"header","header":")" + name + R"("})";
  };
  for (const auto* name :
       {"Host", "Connection", "upgrade", "te", "Content-Length", "transfer-encoding", "keep-alive",
        "proxy-connection", "http2-settings", "Expect", "forwarded", "X-Real-IP"})
    EXPECT_THAT(faults_of(by(name)), ElementsAre("/filters/rate_limit/header not_allowed")) << name;
  for (const auto* name : {"authorization", "x-forwarded-for", "cookie", "content-type"})
    EXPECT_THAT(faults_of(by(name)), IsEmpty()) << name;
  EXPECT_THAT(
      parse_rule(R"({"forward":[{"pool":"p"}],"filters":{)" + by("host") + "}}").problems.at(0).detail,
      HasSubstr("routes for a hostname each"));
}

TEST(ParseFilters, NoMatchComparesAHeaderThatARequestHasNotWhenItIsRouted) {
  const auto match = [](const std::string& name) {
    return R"({"forward":[{"pool":"p"}],"matches":[{"headers":[{"name":")" + name + R"(","value":"x"}]}]})";
  };
  for (const auto* name :
       {"Upgrade", "connection", "TE", "content-length", "Transfer-Encoding", "keep-alive",
        "proxy-connection", "http2-settings", "expect", "Forwarded", "x-real-ip", "headgate-context"})
    EXPECT_THAT(faults_of_rule(match(name)), ElementsAre("/matches/0/headers/0/name not_allowed")) << name;
  for (const auto* name : {"Host", "sec-websocket-version", "x-forwarded-for", "Content-Type", "trailer"})
    EXPECT_THAT(faults_of_rule(match(name)), IsEmpty()) << name;
  EXPECT_THAT(parse_rule(match("upgrade")).problems.at(0).detail, HasSubstr("sec-websocket-version: 13"));
}

TEST(ParseFilters, AnAnswerWithoutABodyHasNone) {
  EXPECT_THAT(faults_of_answer(R"("direct_response":{"status":204,"body":"x"})"),
              ElementsAre("/filters/direct_response/body invalid_value"));
  EXPECT_THAT(faults_of_answer(R"("direct_response":{"status":100})"),
              ElementsAre("/filters/direct_response/status out_of_range"));
}

}  // namespace
}  // namespace headgate::compile
