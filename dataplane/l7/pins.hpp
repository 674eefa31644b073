// SPDX-License-Identifier: Apache-2.0
// How an exchange holds on to a frozen object (a RoutePlan, a PoolEndpoint) longer than to the table that it
// found it in, without an atomic reference count. A Keeper numbers the objects (slots); each thread has a
// PinRow with a cell a slot, in memory of its own, and counts its pins there. An object that no table holds
// any more waits in the Keeper until no thread's cell counts it; then it is freed and its slot is used again.
//
// Threads: Keeper the control thread; a PinRow and its Pins one worker. The Keeper outlives all tables, Pins
// and rows that came out of it. Law: a worker pins only what it found in a table that it may still use, so
// after the last table with an object is freed (Publisher::reclaim), its counts can only fall.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::l7 {

// What one thread knows of one kept object.
struct PinCell {
  std::atomic<uint32_t> pins{0};  // worker: writes, control: reads
  uint64_t tally = 0;             // worker only: whose turn it is, or how much is outstanding

  void renew() { tally = 0; }  // all but `pins`, for the slot's next object
};

// A T of which a thread knows more than that names a T::Cell, with `pins` and renew() as a PinCell has them.
template <typename T>
struct CellOf {
  using Type = PinCell;
};
template <typename T>
requires requires { typename T::Cell; }
struct CellOf<T> {
  using Type = typename T::Cell;
};

template <typename Cell>
class CellRow {
 public:
  explicit CellRow(std::size_t thread) : thread_(thread) {}
  Cell& cell(uint32_t slot) { return blocks_[slot / kBlockCells][slot % kBlockCells]; }
  std::size_t thread() const { return thread_; }

 private:
  template <typename T>
  friend class Keeper;
  static constexpr uint32_t kBlockCells = 4096;
  static constexpr uint32_t kBlocksMax = limits::kPinSlotsMax / kBlockCells;

  std::size_t thread_;
  // Control: writes, before a table names a slot of the block; publishing the table orders it.
  std::array<std::unique_ptr<Cell[]>, kBlocksMax> blocks_;
};
using PinRow = CellRow<PinCell>;

template <typename T>
class Pin {
 public:
  using Cell = typename CellOf<T>::Type;

  Pin() = default;
  Pin(const T& held, CellRow<Cell>& row) : held_(&held), cell_(&row.cell(held.slot)) {
    cell_->pins.store(cell_->pins.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  Pin(Pin&& other) noexcept : held_(std::exchange(other.held_, nullptr)), cell_(other.cell_) {}
  Pin& operator=(Pin&& other) noexcept {
    if (this == &other) return *this;
    reset();
    held_ = std::exchange(other.held_, nullptr);
    cell_ = other.cell_;
    return *this;
  }
  ~Pin() { reset(); }

  void reset() {
    if (!held_) return;
    held_ = nullptr;
    // Release: all that this thread read of the object happens before the Keeper frees it.
    cell_->pins.store(cell_->pins.load(std::memory_order_relaxed) - 1, std::memory_order_release);
  }

  explicit operator bool() const { return held_ != nullptr; }
  const T* get() const { return held_; }
  const T& operator*() const { return *held_; }
  const T* operator->() const { return held_; }
  Cell& cell() const { return *cell_; }

 private:
  const T* held_ = nullptr;
  Cell* cell_ = nullptr;
};

// T has a member `uint32_t slot`.
template <typename T>
class Keeper {
 public:
  using Row = CellRow<typename CellOf<T>::Type>;

  explicit Keeper(std::size_t thread_count) {
    for (std::size_t thread = 0; thread < thread_count; ++thread)
      rows_.push_back(std::make_unique<Row>(thread));
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  Row& row(std::size_t thread) const { return *rows_[thread]; }
  std::size_t thread_count() const { return rows_.size(); }

  std::shared_ptr<const T> keep(T value) {
    value.slot = take_slot();
    return {new T(std::move(value)), [this](const T* unheld) { unheld_.emplace_back(unheld); }};
  }

  // Frees what no table holds and no thread pins; returns how many wait.
  std::size_t reclaim() {
    std::erase_if(unheld_, [this](const auto& kept) {
      if (pinned(kept->slot)) return false;
      free_slots_.push_back(kept->slot);
      return true;
    });
    return unheld_.size();
  }

 private:
  // The slot longest unused comes first, so that a number in a log names the same thing for a while.
  uint32_t take_slot() {
    uint32_t slot = next_slot_;
    if (free_slots_.size() > kFreeSlotsMin) {
      slot = free_slots_.front();
      free_slots_.pop_front();
    } else {
      HG_ASSERT(next_slot_ < limits::kPinSlotsMax);
      ++next_slot_;
    }
    for (auto& row : rows_) prepare(*row, slot);
    return slot;
  }

  static void prepare(Row& row, uint32_t slot) {
    auto& block = row.blocks_[slot / Row::kBlockCells];
    if (!block) block = std::make_unique<typename CellOf<T>::Type[]>(Row::kBlockCells);
    block[slot % Row::kBlockCells].renew();
  }

  bool pinned(uint32_t slot) const {
    for (const auto& row : rows_)
      if (row->cell(slot).pins.load(std::memory_order_acquire) != 0) return true;
    return false;
  }

  static constexpr std::size_t kFreeSlotsMin = 1024;

  std::vector<std::unique_ptr<Row>> rows_;
  std::vector<std::unique_ptr<const T>> unheld_;
  std::deque<uint32_t> free_slots_;
  uint32_t next_slot_ = 0;
};

}  // namespace headgate::l7
