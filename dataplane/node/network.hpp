// SPDX-License-Identifier: Apache-2.0
// Network: makes the kernel's side of a node: the host port hg0 with the machine's and the listeners'
// addresses, and an uplink on which the kernel is deaf and mute, whether headgate-l4 lives or not. What is
// missing is made again when somebody took it away. Thread: the node's loop, which outlives it.
//
//   clients ── uplink ── headgate-l4 ── hg0p ═ hg0 ── the kernel: VIPs, ARP, ND, routes, ssh
//              no address                    addresses
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dataplane/netlink/socket.hpp"
#include "dataplane/node/event_loop.hpp"
#include "dataplane/node/network_plan.hpp"
#include "dataplane/node/network_undo.hpp"

namespace headgate::node {

struct NetworkOptions {
  std::string uplink;  // an interface's name or a PCI address
  std::vector<HostAddress> host_addresses;
  std::vector<IpAddress> gateways;
};

class Network {
 public:
  struct Callbacks {
    std::function<void()> on_change;              // fault() differs
    std::function<void()> on_host_port_replaced;  // l4's end is another interface than it was
  };
  // An error where this uplink must not be taken.
  static Result<std::unique_ptr<Network>> make(EventLoop& loop, NetworkOptions options,
                                               std::filesystem::path undo_file, Callbacks callbacks);

  void want(std::set<IpAddress> vips, std::set<IpAddress> local_addresses);
  void reconcile();
  // Why the network is not as it should be; empty where it is.
  const std::string& fault() const { return fault_; }
  // What works, but less safely than it should; empty where nothing does.
  const std::string& warning() const { return warning_; }
  // A planned stop: takes away what it (or an earlier headgate-node) made, and gives back what it changed.
  void take_down();

 private:
  Network(EventLoop& loop, NetworkOptions options, std::filesystem::path undo_file, netlink::Socket socket,
          Callbacks callbacks);
  Result<void> check_uplink();
  Result<void> subscribe();
  Result<void> make_so();
  Result<netlink::Link> require_link(const std::string& name);
  Result<netlink::Link> host_port(const std::optional<netlink::Link>& uplink);
  Result<void> silence(const std::string& interface);
  Result<void> set_up_uplink(const netlink::Link& uplink);
  Result<void> set_up_host_port(const netlink::Link& link, const std::optional<netlink::Link>& uplink);
  Result<void> put_addresses(const netlink::Link& host_port);
  void warn_of_loose_filter();

  EventLoop& loop_;
  NetworkOptions options_;
  Callbacks callbacks_;
  WantedNetwork wanted_;
  bool is_so_ = false;  // as wanted, when it was last looked at
  NetworkUndo undo_;
  netlink::Socket socket_;
  std::optional<netlink::Socket> events_;
  EventLoop::Watch events_watch_;
  EventLoop::Timer reconcile_timer_;
  int host_port_index_ = 0;  // 0: not seen yet
  std::string fault_, warning_;
};

}  // namespace headgate::node
