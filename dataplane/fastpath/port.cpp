// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/port.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/fastpath/packet_fds.hpp"

namespace headgate::fastpath {
namespace {

constexpr unsigned kMbufsPerQueue = 8191;  // af_xdp fails below 4096: it fills two rings of 2048 at the start
constexpr unsigned kMbufCache = 256;
constexpr uint16_t kDataRoomBytes =
    2176;  // a page holds one of af_xdp's frames: 1792 bytes past the headroom
constexpr uint16_t kDescriptors = 2048;

std::string driver_name(Driver driver) {
  switch (driver) {
    case Driver::kAfXdp:
      return "af_xdp";
    case Driver::kAfPacket:
      return "af_packet";
    case Driver::kPci:
      return "pci";
    case Driver::kTap:
      return "tap";
    case Driver::kAuto:
      break;
  }
  return "auto";
}

std::vector<Driver> drivers_to_try(const PortOptions& options) {
  if (options.driver != Driver::kAuto) return {options.driver};
  if (options.device.find(':') != std::string::npos) return {Driver::kPci};
  return {Driver::kAfXdp, Driver::kAfPacket};
}

Error failed(const std::string& what, int error) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("{}: {}", what, rte_strerror(error < 0 ? -error : error))};
}

}  // namespace

Result<Port> Port::open(const std::string& role, const PortOptions& options, unsigned workers,
                        std::vector<contract::Notice>& notices) {
  std::string tried;
  for (const Driver driver : drivers_to_try(options)) {
    Port port(role);
    port.driver_ = driver_name(driver);
    // A queue of af_xdp on a veth is a device of its own: it refuses two.
    const unsigned devices = driver == Driver::kAfXdp ? workers : 1;
    Result<void> done;
    for (unsigned i = 0; i < devices && done.ok(); ++i) {
      const auto name = [&](const char* kind) { return fmt::format("{}_{}{}", kind, role, i); };
      if (driver == Driver::kAfXdp)
        done = port.attach(
            name("net_af_xdp"),
            fmt::format("iface={},start_queue={},queue_count=1,busy_budget=0", options.device, i), 1);
      else if (driver == Driver::kAfPacket)
        done = port.attach(name("net_af_packet"), fmt::format("iface={},qpairs={}", options.device, workers),
                           workers);
      else if (driver == Driver::kTap)
        done = port.attach(name("net_tap"), fmt::format("iface={},persist=1", options.device), workers);
      else
        done = port.attach(options.device, "", workers);
    }
    if (done.ok()) {
      if (!tried.empty())
        notices.push_back({role + "_fallback",
                           fmt::format("{} {} runs on {}: {}", role, options.device, port.driver_, tried),
                           false});
      return port;
    }
    tried += (tried.empty() ? "" : "; ") + port.driver_ + ": " + done.error().message;
  }
  return Error{ErrorCode::kUnavailable,
               fmt::format("{} {} cannot be opened: {}", role, options.device, tried)};
}

Result<Port> Port::open_vdev(const std::string& role, const std::string& name, const std::string& arguments) {
  Port port(role);
  port.driver_ = name;
  port.trust_ = l4::ChecksumTrust::kMayBePartial;
  auto done = port.attach(name, arguments, 1);
  if (!done.ok()) return std::move(done).error();
  return port;
}

Result<void> Port::attach(const std::string& name, const std::string& arguments, unsigned queues) {
  const auto fds_before = packet_fds();
  const bool is_pci = driver_ == "pci";
  if (is_pci) trust_ = l4::ChecksumTrust::kComplete;
  if (!is_pci) {  // EAL has taken the PCI device already
    const int error = rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str());
    if (error != 0) return failed("attaching " + name, error);
    devices_.push_back(name);
  }
  uint16_t port_id = 0;
  if (const int error = rte_eth_dev_get_port_by_name(name.c_str(), &port_id); error != 0)
    return failed("finding the port of " + name, error);
  port_ids_.push_back(port_id);
  auto started = start(port_id, queues);
  if (!started.ok()) return started;
  const auto fds_after = packet_fds();
  std::set_difference(fds_after.begin(), fds_after.end(), fds_before.begin(), fds_before.end(),
                      std::back_inserter(fds_));
  return {};
}

Result<void> Port::start(uint16_t port_id, unsigned queues) {
  const int socket = rte_eth_dev_socket_id(port_id) < 0 ? SOCKET_ID_ANY : rte_eth_dev_socket_id(port_id);
  const auto pool_name = fmt::format("{}{}", role_, port_id);
  rte_mempool* pool = rte_pktmbuf_pool_create(pool_name.c_str(), kMbufsPerQueue * queues, kMbufCache, 0,
                                              kDataRoomBytes, socket);
  if (pool == nullptr) return failed("memory for packets (--memory-mb is too little)", rte_errno);
  pools_.push_back(pool);
  const auto queue_count = static_cast<uint16_t>(queues);
  rte_eth_conf configuration{};
  if (queues > 1) {
    rte_eth_dev_info info{};
    rte_eth_dev_info_get(port_id, &info);
    configuration.rx_adv_conf.rss_conf.rss_hf =
        (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & info.flow_type_rss_offloads;
    if (configuration.rx_adv_conf.rss_conf.rss_hf != 0) configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  }
  if (const int error = rte_eth_dev_configure(port_id, queue_count, queue_count, &configuration); error != 0)
    return failed("configuring it", error);
  uint16_t rx_descriptors = kDescriptors;
  uint16_t tx_descriptors = kDescriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(port_id, &rx_descriptors, &tx_descriptors);
  const auto eth_socket = static_cast<unsigned>(socket);
  for (uint16_t queue = 0; queue < queue_count; ++queue) {
    if (const int error = rte_eth_rx_queue_setup(port_id, queue, rx_descriptors, eth_socket, nullptr, pool);
        error != 0)
      return failed("its receive queue", error);
    if (const int error = rte_eth_tx_queue_setup(port_id, queue, tx_descriptors, eth_socket, nullptr);
        error != 0)
      return failed("its send queue", error);
  }
  if (const int error = rte_eth_dev_start(port_id); error != 0) return failed("starting it", error);
  rte_eth_promiscuous_enable(port_id);  // not every driver can: it then receives all anyway, or its own MAC's
  for (uint16_t queue = 0; queue < queue_count; ++queue) queues_.push_back({port_id, queue, trust_});
  return {};
}

PortLosses Port::losses() const {
  PortLosses losses;
  for (const uint16_t port_id : port_ids_) {
    rte_eth_stats stats{};
    if (rte_eth_stats_get(port_id, &stats) != 0) continue;
    losses.missed += stats.imissed;
    losses.no_buffer += stats.rx_nombuf;
    losses.errors += stats.ierrors;
  }
  return losses;
}

MacAddress Port::mac() const {
  rte_ether_addr address{};
  rte_eth_macaddr_get(port_ids_.front(), &address);
  MacAddress mac;
  std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), mac.begin());
  return mac;
}

Port::Port(Port&& other) noexcept
    : role_(std::move(other.role_)),
      driver_(std::move(other.driver_)),
      devices_(std::exchange(other.devices_, {})),
      port_ids_(std::exchange(other.port_ids_, {})),
      pools_(std::exchange(other.pools_, {})),
      queues_(std::exchange(other.queues_, {})),
      fds_(std::exchange(other.fds_, {})),
      trust_(other.trust_) {}

void Port::close() {
  for (const uint16_t port_id : std::exchange(port_ids_, {})) {
    rte_eth_dev_stop(port_id);
    rte_eth_dev_close(port_id);
  }
  for (const auto& name : std::exchange(devices_, {})) rte_eal_hotplug_remove("vdev", name.c_str());
}

Port::~Port() {
  close();
  for (rte_mempool* pool : pools_) rte_mempool_free(pool);
}

}  // namespace headgate::fastpath
