// SPDX-License-Identifier: Apache-2.0
// What is written is read by a JSON library and compared with what the OTLP specification asks for.
#include "dataplane/otlp/span.hpp"

#include <array>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dataplane/core/limits.hpp"

namespace headgate::otlp {
namespace {

using Json = nlohmann::json;

Span example(std::span<const Attribute> attributes = {}) {
  return {.trace_id = "0af7651916cd43dd8448eb211c80319c",
          .span_id = "b7ad6b7169203331",
          .parent_id = {},
          .name = "GET app",
          .start_unix_ns = 1'700'000'000'000'000'001,
          .end_unix_ns = 1'700'000'000'000'000'002,
          .attributes = attributes};
}
std::string written(const Span& span) {
  std::string text;
  append_json(span, text);
  return text;
}

TEST(Span, SaysWhatTheSpecificationAsksFor) {
  const std::array attributes{Attribute{"http.request.method", "GET"},
                              Attribute{"http.response.status_code", int64_t{200}}};
  EXPECT_EQ(Json::parse(written(example(attributes))), Json::parse(R"({
    "traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"GET app","kind":2,
    "startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000002",
    "attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},
                  {"key":"http.response.status_code","value":{"intValue":"200"}}],
    "status":{}})"));
}

TEST(Span, NamesItsParentAndThatItFailed) {
  auto span = example();
  span.parent_id = "00f067aa0ba902b7";
  span.kind = SpanKind::kClient;
  span.failed = true;
  const auto json = Json::parse(written(span));
  EXPECT_EQ(json["parentSpanId"], "00f067aa0ba902b7");
  EXPECT_EQ(json["kind"], 3);
  EXPECT_EQ(json["status"], Json::parse(R"({"code":2})"));
}

TEST(Span, WhatAClientSendsStaysItsTextAndIsBounded) {
  const std::string hostile = "\"}],\"x\":[{\"\n\xff\\";
  const std::string large(2 * limits::kSpanTextBytesMax, 'x');
  const std::array attributes{Attribute{"url.path", hostile}, Attribute{"url.query", large}};
  const auto json = Json::parse(written(example(attributes)));
  EXPECT_EQ(json["attributes"][0]["value"]["stringValue"], "\"}],\"x\":[{\"\n\u00ff\\");
  EXPECT_EQ(json["attributes"][1]["value"]["stringValue"].get<std::string>().size(),
            limits::kSpanTextBytesMax);
}

TEST(Span, ARequestSaysWhoSendsManyOfThem) {
  const auto request = Json::parse(
      write_export_request({{"service.name", "edge"}}, written(example()) + "," + written(example())));
  const auto& of_resource = request.at("resourceSpans").at(0);
  EXPECT_EQ(of_resource["resource"]["attributes"],
            Json::parse(R"([{"key":"service.name","value":{"stringValue":"edge"}}])"));
  EXPECT_EQ(of_resource["scopeSpans"][0]["scope"]["name"], "headgate");
  EXPECT_EQ(of_resource["scopeSpans"][0]["spans"].size(), 2u);
}

}  // namespace
}  // namespace headgate::otlp
