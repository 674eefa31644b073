// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or an Error that says what is wrong and what to do. For the control path; the data path
// uses enums. Any thread; a plain value. Exceptions of third-party libraries end at their edge as an Error.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "dataplane/core/assert.hpp"

namespace headgate {

enum class ErrorCode : uint8_t {
  kInvalid,      // the input is wrong and stays wrong: do not retry
  kNotFound,     // what was named does not exist
  kConflict,     // the state has moved on, or something else holds it
  kExhausted,    // a bound of limits.hpp is reached
  kUnavailable,  // the other side does not answer now: retry later
  kPermission,   // not allowed: missing root, capability or token
  kInternal,     // our own bug, or a library's
};

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

// "opening /x: Permission denied" from errno; the code follows from it.
Error system_error(int errno_value, std::string what);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    HG_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    HG_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    HG_ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& {
    HG_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    HG_ASSERT(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const& {
    HG_ASSERT(!ok_);
    return error_;
  }
  Error&& error() && {
    HG_ASSERT(!ok_);
    return std::move(error_);
  }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace headgate
