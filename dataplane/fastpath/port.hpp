// SPDX-License-Identifier: Apache-2.0
// Port: one DPDK port (an uplink, the host port, or a pair of pcap files) with a receive and a send queue for
// every worker. Opened, started and closed by the control thread; each queue is one worker's. Closed before
// Eal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/fastpath/options.hpp"
#include "dataplane/l4/packet.hpp"

struct rte_mempool;

namespace headgate::fastpath {

// Where one worker receives from and sends to.
struct PortQueue {
  uint16_t port_id = 0;
  uint16_t queue = 0;
  l4::ChecksumTrust trust = l4::ChecksumTrust::kMayBePartial;
};

// What the device below has lost before a worker could see it.
struct PortLosses {
  uint64_t missed = 0;     // its queue was full, or the frame too long for it
  uint64_t no_buffer = 0;  // no mbuf
  uint64_t errors = 0;
};

class Port {
 public:
  // `role` names it in logs: "uplink", "host". With kAuto the drivers are tried from the best to the
  // plainest; what did not work is a notice.
  static Result<Port> open(const std::string& role, const PortOptions& options, unsigned workers,
                           std::vector<contract::Notice>& notices);
  // Any device by its DPDK name and arguments ("net_pcap0", "rx_pcap=…").
  static Result<Port> open_vdev(const std::string& role, const std::string& name,
                                const std::string& arguments);

  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();

  // Before any port is destroyed close all: a port may still hold packets of another's pool to be sent.
  void close();

  const std::string& role() const { return role_; }
  const std::string& driver() const { return driver_; }
  const PortQueue& queue(unsigned worker) const { return queues_[worker]; }
  MacAddress mac() const;
  // The kernel's file descriptors behind it, to wait on; none where the driver has none.
  const std::vector<int>& fds() const { return fds_; }
  PortLosses losses() const;

 private:
  explicit Port(std::string role) : role_(std::move(role)) {}
  Result<void> attach(const std::string& name, const std::string& arguments, unsigned queues);
  Result<void> start(uint16_t port_id, unsigned queues);

  std::string role_;
  std::string driver_;
  std::vector<std::string> devices_;  // to be removed
  std::vector<uint16_t> port_ids_;
  std::vector<rte_mempool*> pools_;
  std::vector<PortQueue> queues_;  // by worker
  std::vector<int> fds_;
  l4::ChecksumTrust trust_ = l4::ChecksumTrust::kMayBePartial;
};

}  // namespace headgate::fastpath
