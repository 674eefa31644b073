// SPDX-License-Identifier: Apache-2.0
// Expression: a regular expression of RE2, compiled once and then shared by all rules and revisions that say
// the same. It matches whole texts. RE2's time is linear in the text and its memory bounded, so no expression
// and no request can hold up a thread; what would be larger than the bound is refused when it is compiled.
// Expressions: those in use, by their text. Threads: compile() any; matches() any; Expressions control.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/core/result.hpp"

namespace re2 {
class RE2;
}

namespace headgate::l7 {

class Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

class Expression {
 public:
  // The error is a sentence about the text.
  static Result<ExpressionPtr> compile(std::string_view text);
  ~Expression();
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  bool matches(std::string_view whole) const;
  const std::string& text() const { return text_; }
  // With these bytes every text begins that it can match; empty where no such beginning is known.
  const std::string& literal_prefix() const { return literal_prefix_; }

 private:
  explicit Expression(std::string_view text);

  std::string text_;
  std::unique_ptr<re2::RE2> program_;
  std::string literal_prefix_;
};

class Expressions {
 public:
  // Null where it can't be compiled.
  ExpressionPtr get(const std::string& text);
  std::size_t size() const { return known_.size(); }

 private:
  std::map<std::string, std::weak_ptr<const Expression>, std::less<>> known_;
  std::size_t prune_above_ = 64;
};

}  // namespace headgate::l7
