// SPDX-License-Identifier: Apache-2.0
// TicketKeys: the keys that session tickets are encrypted with. They follow from the cluster's secret and the
// hour alone (HKDF, RFC 5869), so that every replica opens every other's tickets, keys change without
// anybody telling, and none is stored. Tickets of the epoch before are opened, and of the next, for the
// clocks of two machines differ. Threads: constructor and keep_current() control; current() any. Outlives
// the contexts that use it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/core/limits.hpp"

namespace headgate::tls {

struct TicketKey {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> cipher_key;
  std::array<unsigned char, 32> mac_key;
};

// Of three epochs in a row.
struct TicketKeyRing {
  ~TicketKeyRing();
  int64_t epoch = 0;
  std::array<TicketKey, 3> keys;  // of the epoch before, of this one, of the next
  const TicketKey& issuing() const { return keys[1]; }
  const TicketKey* named(const unsigned char* name) const;  // null: none of these
};

class TicketKeys {
 public:
  TicketKeys(std::string_view secret, int64_t unix_ms);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  bool is_of(std::string_view secret) const;
  void keep_current(int64_t unix_ms);  // often enough: once a second
  const TicketKeyRing& current() const { return *current_.load(std::memory_order_acquire); }

 private:
  // A ring that was replaced stays for some epochs: no handshake takes that long, so no reader is counted.
  static constexpr std::size_t kRingsKept = 4;

  std::vector<unsigned char> secret_;
  std::array<std::unique_ptr<const TicketKeyRing>, kRingsKept> rings_;  // control: by epoch
  std::atomic<const TicketKeyRing*> current_{nullptr};                  // control: writes, any: reads
};

}  // namespace headgate::tls
