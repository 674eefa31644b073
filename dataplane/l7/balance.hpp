// SPDX-License-Identifier: Apache-2.0
// Which endpoint of a pool an exchange tries next. First the one that a cookie names; else by the pool's
// algorithm: round robin, exact by weight and smooth; least requests, the fewest outstanding on this thread
// for its weight, among two in a large pool; random by weight; Maglev by the request's key. What the exchange
// has tried already, and what this thread has ejected, is passed over, also into the levels of priority
// below, while anything else is left. Pure but for the thread's own cells; time and chance are handed in; no
// allocation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/pool_table.hpp"

namespace headgate::l7 {

// The endpoints that one exchange has tried, by slot. When it is full, what is tried more is forgotten.
class TriedEndpoints {
 public:
  void add(const PoolEndpoint& endpoint) {
    if (count_ < slots_.size()) slots_[count_++] = endpoint.slot;
  }
  bool contains(const PoolEndpoint& endpoint) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (slots_[i] == endpoint.slot) return true;
    return false;
  }
  std::size_t size() const { return count_; }
  void clear() { count_ = 0; }

 private:
  std::array<uint32_t, limits::kTriedBackendsMax> slots_{};
  std::size_t count_ = 0;
};

// What one thread brings to every choice.
struct BalanceState {
  PoolRow& pools;
  EndpointRow& endpoints;
};

// What one exchange brings.
struct BalanceInput {
  TimePoint now{};
  uint64_t random = 0;
  std::optional<uint64_t> key{};       // that Maglev hashes
  std::optional<uint64_t> affinity{};  // what its cookie asks for
};

struct EndpointChoice {
  Outcome outcome = Outcome::kNoUsableBackend;  // kFound, kNoUsableBackend or kAllBackendsTried
  const PoolEndpoint* endpoint = nullptr;       // where kFound; pin it before the table goes
};
[[nodiscard]] EndpointChoice choose_endpoint(const ServingPool& pool, const TriedEndpoints& tried,
                                             BalanceState state, const BalanceInput& input = {});

// What a try showed of its endpoint: whether it is ejected for that. kSpared: it should be, but as many are
// as may be.
enum class Ejection : uint8_t { kNone, kEjected, kSpared };
[[nodiscard]] Ejection report_try(const ServingPool& pool, const PoolEndpoint& endpoint, TryResult result,
                                  BalanceState state, TimePoint now);

// A request outstanding on an endpoint, counted and pinned for as long as this lives.
class OutstandingRequest {
 public:
  OutstandingRequest() = default;
  OutstandingRequest(const PoolEndpoint& endpoint, EndpointRow& endpoints) : pin_(endpoint, endpoints) {
    ++pin_.cell().tally;
  }
  OutstandingRequest(OutstandingRequest&&) noexcept = default;
  OutstandingRequest& operator=(OutstandingRequest&& other) noexcept {
    if (this == &other) return *this;
    reset();
    pin_ = std::move(other.pin_);
    return *this;
  }
  ~OutstandingRequest() { reset(); }

  void reset() {
    if (!pin_) return;
    --pin_.cell().tally;
    pin_.reset();
  }
  const PoolEndpoint* get() const { return pin_.get(); }

 private:
  PoolEndpointPin pin_;
};

}  // namespace headgate::l7
