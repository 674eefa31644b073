// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7 core
// Query and header conditions read what clients send. A condition on exactly a value must hold where one on
// an expression for that value and nothing else holds: two ways through the decoder that must agree.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/conditions.hpp"

namespace {

using namespace headgate;
using contract::ValueMatchType;

// Up to a zero byte.
std::string_view take_text(std::string_view& rest) {
  const auto text = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(text.size() + 1, rest.size()));
  return text;
}

std::string expression_for(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string expression;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    expression += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  return expression;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string name(take_text(rest));
  const std::string value(take_text(rest));
  const auto first = take_text(rest);
  if (value.size() > limits::kExpressionBytesMax / 4 || size > limits::kExpressionTextBytesMax / 4) return 0;

  l7::Expressions expressions;
  l7::RequestHead request;
  request.query = rest;
  std::vector<l7::QueryCondition> query;
  const std::string expression = expression_for(value);
  HG_ASSERT(l7::compile_query({{name, value, ValueMatchType::kExact}}, expressions, query));
  std::vector<l7::QueryCondition> query_expression;
  HG_ASSERT(l7::compile_query({{name, expression, ValueMatchType::kRegex}}, expressions, query_expression));
  HG_ASSERT(l7::holds(query[0], request) == l7::holds(query_expression[0], request));

  request.headers.add({"x", first, l7::HeaderId::kOther});
  request.headers.add({"x", rest, l7::HeaderId::kOther});
  std::vector<l7::HeaderCondition> headers;
  HG_ASSERT(l7::compile_headers({{"x", value, ValueMatchType::kExact}}, expressions, headers));
  std::vector<l7::HeaderCondition> headers_expression;
  HG_ASSERT(
      l7::compile_headers({{"x", expression, ValueMatchType::kRegex}}, expressions, headers_expression));
  HG_ASSERT(l7::holds(headers[0], request) == l7::holds(headers_expression[0], request));
  return 0;
}
