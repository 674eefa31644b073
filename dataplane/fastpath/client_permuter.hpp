// SPDX-License-Identifier: Apache-2.0
// ClientPermuter: the bench's stage that makes one packet of any number of flows: overwrites the client's
// address and port in each packet received on a port, checksums along, in an order that no prefetcher
// guesses. Thread: the one that receives. Removed from the port when destroyed.
#pragma once

#include <cstdint>

struct rte_eth_rxtx_callback;
struct rte_mbuf;

namespace headgate::fastpath {

enum class ClientSide : uint8_t { kSource, kDestination };

class ClientPermuter {
 public:
  // All packets of the port are plain TCP of one family; `flows` is at most 2^26.
  ClientPermuter(uint16_t port_id, uint32_t flows, ClientSide side, bool v6);
  ~ClientPermuter();
  ClientPermuter(const ClientPermuter&) = delete;
  ClientPermuter& operator=(const ClientPermuter&) = delete;

 private:
  static uint16_t on_receive(uint16_t port, uint16_t queue, rte_mbuf* packets[], uint16_t count, uint16_t max,
                             void* self);
  void permute(rte_mbuf& packet, uint32_t flow) const;

  uint16_t port_id_;
  uint32_t flows_;
  ClientSide side_;
  bool v6_;
  uint64_t random_ = 1;
  const rte_eth_rxtx_callback* callback_;
};

}  // namespace headgate::fastpath
