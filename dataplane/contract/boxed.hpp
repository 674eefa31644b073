// SPDX-License-Identifier: Apache-2.0
// Boxed<T>: an optional that costs two words where it is empty, for the large members of objects of which
// there are many: most rules have no filters, and there may be 100,000 rules. Copies share what is in it,
// which is frozen once whoever called emplace() has filled it. Equal by value. Threads: one builds; then any.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace headgate::contract {

template <typename T>
class Boxed {
 public:
  // As an optional's: from a value, and from nothing.
  Boxed() = default;
  Boxed(std::nullopt_t) {}                                                 // NOLINT(*-explicit-*)
  Boxed(T value) : value_(std::make_shared<const T>(std::move(value))) {}  // NOLINT(*-explicit-*)
  Boxed(std::optional<T> value) {                                          // NOLINT(*-explicit-*)
    if (value) value_ = std::make_shared<const T>(*std::move(value));
  }

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  T value_or(T other) const { return value_ ? *value_ : std::move(other); }

  // A fresh one, for the caller to fill before anybody else reads it.
  T& emplace() {
    auto fresh = std::make_shared<T>();
    T& filled = *fresh;
    value_ = std::move(fresh);
    return filled;
  }

  friend bool operator==(const Boxed& a, const Boxed& b) {
    return a.value_ == b.value_ || (a.value_ && b.value_ && *a.value_ == *b.value_);
  }

 private:
  std::shared_ptr<const T> value_;
};

}  // namespace headgate::contract
