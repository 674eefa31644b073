// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/expression.hpp"

#include <algorithm>

#include <re2/re2.h>

#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

RE2::Options options() {
  RE2::Options options;
  options.set_max_mem(limits::kExpressionMemoryBytesMax);
  options.set_log_errors(false);
  options.set_never_capture(true);
  // Paths and headers are bytes: an escape that is no UTF-8 must not make a text unmatchable.
  options.set_encoding(RE2::Options::EncodingLatin1);
  return options;
}

std::string common_prefix(const std::string& a, const std::string& b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return {a.begin(), end};
}

// The literal characters that the text begins with, where it has no alternatives.
std::string literal_beginning(std::string_view text) {
  constexpr std::string_view kMeta = "\\^$.|?*+()[]{}";
  constexpr std::string_view kRepeats = "?*+{";
  if (text.find('|') != std::string_view::npos) return "";
  if (text.starts_with('^')) text.remove_prefix(1);
  std::string literal;
  while (!text.empty()) {
    const bool escaped = text.size() > 1 && text[0] == '\\' && kMeta.find(text[1]) != std::string_view::npos;
    if (!escaped && kMeta.find(text[0]) != std::string_view::npos) break;
    literal += escaped ? text[1] : text[0];
    text.remove_prefix(escaped ? 2 : 1);
  }
  const bool repeated = !text.empty() && kRepeats.find(text[0]) != std::string_view::npos;
  if (repeated && !literal.empty()) literal.pop_back();  // it may be repeated no times
  return literal;
}

}  // namespace

Expression::Expression(std::string_view text)
    : text_(text), program_(std::make_unique<re2::RE2>(text_, options())) {
  if (!program_->ok()) return;
  literal_prefix_ = literal_beginning(text_);
  // All that it matches lies between these two, so it begins with what both begin with. Beyond alternatives
  // this sees more, else a character less: the end of "/api/.*" is "/api0".
  std::string first;
  std::string last;
  if (!program_->PossibleMatchRange(&first, &last, limits::kExpressionBytesMax)) return;
  auto common = common_prefix(first, last);
  if (common.size() > literal_prefix_.size()) literal_prefix_ = std::move(common);
}

Expression::~Expression() = default;

Result<ExpressionPtr> Expression::compile(std::string_view text) {
  if (text.size() > limits::kExpressionBytesMax)
    return Error{ErrorCode::kInvalid,
                 "is longer than " + std::to_string(limits::kExpressionBytesMax) + " bytes"};
  ExpressionPtr expression(new Expression(text));
  if (!expression->program_->ok())
    return Error{ErrorCode::kInvalid, "is no regular expression: " + expression->program_->error()};
  return expression;
}

bool Expression::matches(std::string_view whole) const {
  return program_->Match({whole.data(), whole.size()}, 0, whole.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

ExpressionPtr Expressions::get(const std::string& text) {
  auto& known = known_[text];
  if (auto expression = known.lock()) return expression;
  auto compiled = Expression::compile(text);
  if (!compiled.ok()) {
    known_.erase(text);
    return nullptr;
  }
  known = *compiled;
  if (known_.size() > prune_above_) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    prune_above_ = std::max<std::size_t>(64, 2 * known_.size());
  }
  return *compiled;
}

}  // namespace headgate::l7
