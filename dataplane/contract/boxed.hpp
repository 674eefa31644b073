// SPDX-License-Identifier: Apache-2.0
// Boxed<T>: an optional that costs one word where it is empty, for the large members of objects of which
// there are many: most rules have no filters, and there may be 100,000 rules. Copies share what is in it,
// which is frozen once whoever called emplace() has filled it. Equal by value. Threads: one builds; then any.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace headgate::contract {

template <typename T>
class Boxed {
 public:
  // As an optional's: from a value, and from nothing.
  Boxed() = default;
  Boxed(std::nullopt_t) {}                                      // NOLINT(*-explicit-*)
  Boxed(T value) : box_(new Box{.value = std::move(value)}) {}  // NOLINT(*-explicit-*)
  Boxed(std::optional<T> value) {                               // NOLINT(*-explicit-*)
    if (value) box_ = new Box{.value = *std::move(value)};
  }
  Boxed(const Boxed& other) : box_(other.box_) {
    if (box_) box_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  Boxed(Boxed&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  Boxed& operator=(Boxed other) noexcept {
    std::swap(box_, other.box_);
    return *this;
  }
  ~Boxed() {
    // Release and acquire: what every holder read of it happens before it is freed.
    if (box_ && box_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete box_;
  }

  bool has_value() const { return box_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  const T& operator*() const { return box_->value; }
  const T* operator->() const { return &box_->value; }
  T value_or(T other) const { return box_ ? box_->value : std::move(other); }

  // A fresh one, for the caller to fill before anybody else reads it.
  T& emplace() {
    *this = Boxed(T{});
    return box_->value;
  }

  // Whether both hold the very same one, or nothing.
  bool shares_with(const Boxed& other) const { return box_ == other.box_; }
  friend bool operator==(const Boxed& a, const Boxed& b) {
    return a.shares_with(b) || (a.box_ && b.box_ && a.box_->value == b.box_->value);
  }

 private:
  struct Box {
    std::atomic<uint32_t> holders{1};
    T value{};
  };

  Box* box_ = nullptr;
};

}  // namespace headgate::contract
