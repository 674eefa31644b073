// SPDX-License-Identifier: Apache-2.0
// Admission: whether an exchange may run on a pool, may open a connection, waits for one or is refused: the
// circuit breaker. RunningRequest: an exchange that runs, counted for as long as it lives, and whether it is
// a repetition, for the budget. Pure but for the thread's own cell of the pool.
#pragma once

#include <utility>

#include "dataplane/contract/upstream.hpp"
#include "dataplane/l7/pool_table.hpp"
#include "dataplane/l7/retry.hpp"

namespace headgate::l7 {

enum class [[nodiscard]] ConnectVerdict : uint8_t{kConnect, kWait, kRefuse};

// Of an exchange that needs a connection and found none idle. `in_turn`: it has waited, and is the first of
// those who have; all others stand behind those who wait.
inline ConnectVerdict admit_connect(const ThreadLimits& limits, const PoolCell& cell, bool in_turn) {
  if (limits.connections_max == 0) return ConnectVerdict::kConnect;
  const bool has_room = cell.connections < limits.connections_max;
  if (has_room && (in_turn || cell.waiting == 0)) return ConnectVerdict::kConnect;
  if (in_turn || limits.waiting_max == 0 || cell.waiting < limits.waiting_max) return ConnectVerdict::kWait;
  return ConnectVerdict::kRefuse;
}

class RunningRequest {
 public:
  RunningRequest() = default;
  // The pool's identity outlives it.
  explicit RunningRequest(PoolCell& cell) : cell_(&cell) { ++cell.requests; }
  RunningRequest(RunningRequest&& other) noexcept
      : cell_(std::exchange(other.cell_, nullptr)), repeats_(std::exchange(other.repeats_, false)) {}
  RunningRequest& operator=(RunningRequest&& other) noexcept {
    if (this == &other) return *this;
    reset();
    cell_ = std::exchange(other.cell_, nullptr);
    repeats_ = std::exchange(other.repeats_, false);
    return *this;
  }
  ~RunningRequest() { reset(); }

  explicit operator bool() const { return cell_ != nullptr; }
  // False: the budget is spent. From the first repetition to the end it counts as one.
  [[nodiscard]] bool repeat(const contract::RetryBudget& budget) {
    if (repeats_) return true;
    if (!budget_allows(budget, cell_->requests, cell_->retries)) return false;
    repeats_ = true;
    ++cell_->retries;
    return true;
  }
  void reset() {
    if (!cell_) return;
    --cell_->requests;
    if (repeats_) --cell_->retries;
    cell_ = nullptr;
    repeats_ = false;
  }

 private:
  PoolCell* cell_ = nullptr;
  bool repeats_ = false;
};

inline bool admits_request(const ThreadLimits& limits, const PoolCell& cell) {
  return limits.requests_max == 0 || cell.requests < limits.requests_max;
}

}  // namespace headgate::l7
