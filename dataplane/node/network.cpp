// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/network.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/netlink/addresses.hpp"
#include "dataplane/netlink/offloads.hpp"
#include "dataplane/netlink/routes.hpp"

namespace headgate::node {
namespace {

using netlink::Link;
using netlink::Offload;

// On hg0: only what carries this was made by a headgate-node, and only that is deleted by one.
constexpr const char* kMadeByUs = "made by headgate-node";
constexpr uint16_t kSshPort = 22;
constexpr uint32_t kHostPortMtuBytes = 1500;
constexpr auto kSettle = std::chrono::milliseconds(50);  // changes come in bursts; one look is enough for all

std::set<IpAddress> ssh_session_addresses() {
  std::set<IpAddress> addresses;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ostringstream text;
    text << std::ifstream(table).rdbuf();
    addresses.merge(addresses_with_connections(text.str(), kSshPort));
  }
  return addresses;
}

// First failure wins; each step is harmless to repeat.
Result<void> all_of(std::initializer_list<std::function<Result<void>()>> steps) {
  for (const auto& step : steps)
    if (auto done = step(); !done.ok()) return done;
  return {};
}

}  // namespace

Network::Network(EventLoop& loop, NetworkOptions options, std::filesystem::path undo_file,
                 netlink::Socket socket, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      undo_(std::move(undo_file)),
      socket_(std::move(socket)) {
  wanted_.host_addresses = options_.host_addresses;
  wanted_.gateways = options_.gateways;
}

Result<std::unique_ptr<Network>> Network::make(EventLoop& loop, NetworkOptions options,
                                               std::filesystem::path undo_file, Callbacks callbacks) {
  auto socket = netlink::Socket::open();
  if (!socket.ok()) return std::move(socket).error();
  std::unique_ptr<Network> network(
      new Network(loop, std::move(options), std::move(undo_file), std::move(*socket), std::move(callbacks)));
  if (auto checked = network->check_uplink(); !checked.ok()) return std::move(checked).error();
  if (auto made = network->make_so(); !made.ok()) return std::move(made).error();
  if (auto subscribed = network->subscribe(); !subscribed.ok()) return std::move(subscribed).error();
  return network;
}

Result<Link> Network::require_link(const std::string& name) {
  auto link = netlink::find_link(socket_, name);
  if (!link.ok()) return std::move(link).error();
  if (!link->has_value()) return Error{ErrorCode::kNotFound, "there is no interface " + name};
  return std::move(**link);
}

Result<void> Network::check_uplink() {
  if (is_pci_address(options_.uplink)) return {};
  auto uplink = require_link(options_.uplink);
  if (!uplink.ok()) return std::move(uplink).error();
  auto addresses = netlink::list_addresses(socket_);
  if (!addresses.ok()) return std::move(addresses).error();
  auto routes = netlink::list_routes(socket_);
  if (!routes.ok()) return std::move(routes).error();
  const auto reason = why_no_uplink(*uplink, wanted_, *addresses, *routes, ssh_session_addresses());
  if (!reason.empty()) return Error{ErrorCode::kConflict, reason};
  return {};
}

Result<void> Network::subscribe() {
  auto events = netlink::Socket::subscribe(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                           RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
  if (!events.ok()) return std::move(events).error();
  events_ = std::move(*events);
  events_watch_ = loop_.watch(events_->fd(), EPOLLIN, [this](uint32_t) {
    // Which events came does not matter, nor whether some were lost: everything is looked at.
    [[maybe_unused]] const bool complete = events_->take_events([](const netlink::Message&) {});
    if (!reconcile_timer_.active()) reconcile_timer_ = loop_.after(kSettle, [this] { reconcile(); });
  });
  return {};
}

void Network::want(std::set<IpAddress> vips, std::set<IpAddress> local_addresses) {
  // Every delta comes by here, and to look at all links and addresses costs more than the rest of it. What
  // the kernel changes by itself it says.
  if (is_so_ && wanted_.vips == vips && wanted_.local_addresses == local_addresses) return;
  wanted_.vips = std::move(vips);
  wanted_.local_addresses = std::move(local_addresses);
  reconcile();
}

void Network::reconcile() {
  auto made = make_so();
  is_so_ = made.ok();
  const std::string fault = made.ok() ? "" : made.error().message;
  // What failed for a reason that will pass, without an event that would tell.
  if (!made.ok()) reconcile_timer_ = loop_.after(limits::kReconcileInterval, [this] { reconcile(); });
  if (fault == fault_) return;
  fault_ = fault;
  if (!fault_.empty()) log::error("network: " + fault_);
  callbacks_.on_change();
}

Result<void> Network::make_so() {
  std::optional<Link> uplink;
  if (!is_pci_address(options_.uplink)) {
    auto found = require_link(options_.uplink);
    if (!found.ok()) return std::move(found).error();
    uplink = std::move(*found);
    if (auto done = set_up_uplink(*uplink); !done.ok()) return done;
  }
  auto link = host_port(uplink);
  if (!link.ok()) return std::move(link).error();
  if (auto done = set_up_host_port(*link, uplink); !done.ok()) return done;
  if (auto done = put_addresses(*link); !done.ok()) return done;
  warn_of_loose_filter();
  const bool replaced = host_port_index_ != 0 && host_port_index_ != link->index;
  host_port_index_ = link->index;
  if (replaced) callbacks_.on_host_port_replaced();
  return {};
}

// The kernel neither answers nor routes what comes in by this interface: strict reverse path filtering drops
// IPv4, whose senders are reached by hg0; there is no IPv6; no ARP request is answered.
Result<void> Network::silence(const std::string& interface) {
  const std::string v4 = "net/ipv4/conf/" + interface + "/";
  return all_of({[&] { return undo_.set_sysctl("net/ipv6/conf/" + interface + "/disable_ipv6", "1"); },
                 [&] { return undo_.set_sysctl(v4 + "rp_filter", "1"); },
                 [&] { return undo_.set_sysctl(v4 + "arp_ignore", "8"); }});
}

Result<void> Network::set_up_uplink(const Link& uplink) {
  auto addresses = netlink::list_addresses(socket_);
  if (!addresses.ok()) return std::move(addresses).error();
  for (const auto& address : *addresses) {
    if (address.link_index != uplink.index || address.link_local) continue;
    const HostAddress host{address.address, address.prefix_bits};
    const auto& own = wanted_.host_addresses;
    if (std::find(own.begin(), own.end(), host) == own.end())
      return Error{ErrorCode::kConflict, uplink.name + " has got the address " + address.address.to_string() +
                                             ", so the kernel answers beside Headgate: remove it"};
    if (auto noted = undo_.note_moved_address(host); !noted.ok()) return noted;
    if (auto removed = netlink::remove_address(socket_, uplink, address); !removed.ok()) return removed;
  }
  return all_of({[&] { return silence(uplink.name); },
                 [&] { return netlink::switch_off(uplink.name, Offload::kGenericReceive); },
                 [&] { return uplink.up ? Result<void>() : netlink::set_link_up(socket_, uplink); }});
}

// hg0 as it is, or a new one. One of ours with another MAC was made for another uplink.
Result<Link> Network::host_port(const std::optional<Link>& uplink) {
  auto found = netlink::find_link(socket_, kHostPort);
  if (!found.ok()) return std::move(found).error();
  if (found->has_value()) {
    auto& link = **found;
    const bool ours = link.alias == kMadeByUs;
    if (!ours || !uplink || link.mac == uplink->mac) return std::move(link);
    if (auto deleted = netlink::delete_link(socket_, link); !deleted.ok()) return std::move(deleted).error();
  }
  // A PCI device's driver in headgate-l4 takes hg0's MAC; the kernel chooses one that is locally
  // administered.
  const auto mac = uplink ? std::optional(uplink->mac) : std::nullopt;
  if (auto made = netlink::create_veth(socket_, kHostPort, mac, kHostPortPeer); !made.ok())
    return std::move(made).error();
  auto link = require_link(kHostPort);
  if (!link.ok()) return link;
  if (auto noted = netlink::set_link_alias(socket_, *link, kMadeByUs); !noted.ok())
    return std::move(noted).error();
  log::info(std::string("made ") + kHostPort);
  return link;
}

Result<void> Network::set_up_host_port(const Link& link, const std::optional<Link>& uplink) {
  auto peer = netlink::find_link(socket_, kHostPortPeer);
  if (!peer.ok()) return std::move(peer).error();
  const uint32_t mtu_bytes = std::min(uplink ? uplink->mtu_bytes : kHostPortMtuBytes, kHostPortMtuBytes);
  const auto fit = [&](const Link& end) {
    if (end.mtu_bytes != mtu_bytes)
      if (auto set = netlink::set_link_mtu(socket_, end, mtu_bytes); !set.ok()) return set;
    return end.up ? Result<void>() : netlink::set_link_up(socket_, end);
  };
  // l4 hands frames on as they are: their checksums must be complete and their size a frame's.
  auto done = all_of({[&] { return netlink::switch_off(link.name, Offload::kTxChecksum); },
                      [&] { return netlink::switch_off(link.name, Offload::kTcpSegmentation); },
                      [&] { return netlink::switch_off(link.name, Offload::kGenericSegmentation); },
                      [&] { return fit(link); }});
  if (!done.ok() || !peer->has_value()) return done;  // a TAP has no peer here
  return all_of({[&] { return silence(kHostPortPeer); },
                 [&] { return netlink::switch_off(kHostPortPeer, Offload::kGenericReceive); },
                 [&] { return fit(**peer); }});
}

Result<void> Network::put_addresses(const Link& host_port) {
  auto loopback = require_link("lo");
  if (!loopback.ok()) return std::move(loopback).error();
  auto present = netlink::list_addresses(socket_);
  if (!present.ok()) return std::move(present).error();
  const auto changes = host_port_changes(wanted_, *present, host_port.index);
  for (const auto& address : changes.put)
    if (auto put = netlink::put_address(socket_, host_port, address); !put.ok()) return put;
  for (const auto& address : changes.remove)
    if (auto removed = netlink::remove_address(socket_, host_port, address); !removed.ok()) return removed;
  for (const auto& address : loopback_changes(wanted_, *present, loopback->index).put) {
    if (auto noted = undo_.note_local_address(address.address); !noted.ok()) return noted;
    if (auto put = netlink::put_address(socket_, *loopback, address); !put.ok()) return put;
  }
  if (!loopback->up)
    if (auto up = netlink::set_link_up(socket_, *loopback); !up.ok()) return up;
  auto routes = netlink::list_routes(socket_);
  if (!routes.ok()) return std::move(routes).error();
  for (const auto& route : missing_routes(wanted_, *routes, host_port.index))
    if (auto put = netlink::put_route(socket_, route); !put.ok()) return put;
  return {};
}

// The stricter value of "all" and of the interface counts, and the kernel takes the larger number for that.
void Network::warn_of_loose_filter() {
  int all = 0;
  std::ifstream("/proc/sys/net/ipv4/conf/all/rp_filter") >> all;
  warning_ =
      all <= 1 ? ""
               : "net.ipv4.conf.all.rp_filter is 2, so the kernel might answer clients while headgate-l4 is "
                 "down: set it to 1 or 0";
}

void Network::take_down() {
  events_watch_.end();
  reconcile_timer_.end();
  const auto warn = [](const Result<void>& result) {
    if (!result.ok()) log::warning("network: " + result.error().message);
  };
  if (auto link = netlink::find_link(socket_, kHostPort); link.ok() && link->has_value()) {
    if ((*link)->alias == kMadeByUs)
      warn(netlink::delete_link(socket_, **link));
    else
      wanted_.vips.clear(), warn(put_addresses(**link));
  }
  if (auto loopback = require_link("lo"); loopback.ok())
    for (const auto& local : undo_.local_addresses())
      warn(netlink::remove_address(socket_, *loopback,
                                   {.link_index = loopback->index,
                                    .address = local,
                                    .prefix_bits = static_cast<uint8_t>(local.is_v4() ? 32 : 128),
                                    .deprecated = false,
                                    .link_local = false}));
  const auto moved = undo_.moved_addresses();
  undo_.restore_sysctls_and_forget();  // first: without IPv6 an interface takes no IPv6 address
  auto uplink = netlink::find_link(socket_, options_.uplink);
  if (!uplink.ok() || !uplink->has_value()) return;
  for (const auto& host : moved)
    warn(netlink::put_address(socket_, **uplink,
                              {.link_index = (*uplink)->index,
                               .address = host.address,
                               .prefix_bits = host.prefix_bits,
                               .deprecated = false,
                               .link_local = false}));
}

}  // namespace headgate::node
