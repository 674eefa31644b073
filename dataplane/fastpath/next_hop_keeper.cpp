// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/next_hop_keeper.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include "dataplane/core/log.hpp"
#include "dataplane/netlink/addresses.hpp"
#include "dataplane/netlink/links.hpp"
#include "dataplane/netlink/routes.hpp"

namespace headgate::fastpath {
namespace {

constexpr uint32_t kGroups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                             RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
// How long a change waits for a neighbour that does not answer the first time.
constexpr auto kResolvePatience = std::chrono::seconds(1);

// Why frames of a target can't go this way; empty: they can.
std::string fault_of(const std::optional<netlink::Way>& way, int host_link_index,
                     const std::string& host_link, bool by_tunnel) {
  if (!way) return "no route leads to it";
  if (way->is_local) return "it is an address of this machine";
  if (way->link_index != host_link_index) return "its route does not lead by " + host_link;
  if (way->gateway && !by_tunnel)
    return fmt::format("it is behind the gateway {}: by dsr only neighbours are reached",
                       way->gateway->to_string());
  return "";
}

}  // namespace

Result<NextHopKeeper> NextHopKeeper::open(std::string host_link, const MacAddress& uplink_mac) {
  auto requests = netlink::Socket::open();
  if (!requests.ok()) return std::move(requests).error();
  auto events = netlink::Socket::subscribe(kGroups);
  if (!events.ok()) return std::move(events).error();
  return NextHopKeeper(std::move(*requests), std::move(*events), std::move(host_link), uplink_mac);
}

NextHopKeeper::NextHopKeeper(const StaticNeighbours& neighbours, const l4::Surroundings& surroundings)
    : surroundings_(surroundings) {
  for (const auto& [address, mac] : neighbours) known_[address] = {mac, true};
}

NextHopKeeper::NextHopKeeper(netlink::Socket requests, netlink::Socket events, std::string host_link,
                             const MacAddress& uplink_mac)
    : requests_(std::move(requests)), events_(std::move(events)), host_link_(std::move(host_link)) {
  surroundings_.uplink_mac = uplink_mac;
  look_at_everything();
}

void NextHopKeeper::find_host_link() {
  const auto link = netlink::find_link(*requests_, host_link_);
  host_link_index_ = link.ok() && *link ? (*link)->index : 0;
  if (host_link_index_ == 0) return;
  surroundings_.mtu_bytes = static_cast<uint16_t>(std::min<uint32_t>((*link)->mtu_bytes, UINT16_MAX));
}

void NextHopKeeper::look_at_everything() {
  find_host_link();
  known_.clear();
  kept_.clear();  // what is in use still is asked for again
  const auto neighbours = netlink::list_neighbours(*requests_);
  if (!neighbours.ok()) return log::warning(neighbours.error().message);
  for (const auto& neighbour : *neighbours) take(neighbour);
}

void NextHopKeeper::take(const netlink::Neighbour& neighbour) {
  if (neighbour.link_index != host_link_index_) return;
  if (neighbour.usable)
    known_[neighbour.address] = {neighbour.mac, neighbour.fixed};
  else
    known_.erase(neighbour.address);
  if (neighbour.gone) kept_.erase(neighbour.address);  // so it is asked for anew where it is needed
}

void NextHopKeeper::follow(const l4::L4Table& table, TimePoint now) {
  auto before = std::exchange(destinations_, {});
  vips_.clear();
  for (const auto& listener : table.listeners()) vips_.insert(listener.endpoint.address);
  std::set<uint32_t> served;
  for (const auto& target : table.targets()) {
    if (target.is_local()) continue;
    const Place place{target.endpoint.address, l4::is_tunnel(target.forwarding)};
    const auto [found, is_new] = destinations_.try_emplace(place);
    auto& destination = found->second;
    if (const auto known = before.find(place); is_new && known != before.end())
      destination = std::move(known->second);
    else if (is_new)
      destination.wanted_since = now;
    if (is_new) destination.targets.clear();
    destination.targets.push_back(target.id);
    served.insert(target.id);
  }
  for (const uint32_t id : served_)
    if (!served.contains(id)) next_hops_->set(id, std::nullopt);
  served_ = std::move(served);
  for (auto& [place, destination] : destinations_) {
    find_neighbour(place, destination);
    publish(place, destination);
  }
  forget_unused();
}

void NextHopKeeper::find_neighbour(const Place& place, Destination& destination) {
  const auto& [address, by_tunnel] = place;
  destination.neighbour.reset();
  if (!requests_) {
    destination.neighbour = address;
    return;
  }
  const auto way = netlink::find_way(*requests_, address);
  auto fault = way.ok() ? fault_of(*way, host_link_index_, host_link_, by_tunnel) : way.error().message;
  if (fault.empty() && by_tunnel) fault = find_tunnel_source(address, **way);
  if (fault != destination.fault) {
    if (!fault.empty())
      log::warning(fmt::format("no packets can be sent to {}: {}", address.to_string(), fault));
    destination.fault = fault;
  }
  if (!fault.empty()) return;
  destination.neighbour = (*way)->gateway.value_or(address);
  ask_for(*destination.neighbour);
}

// The kernel's choice may be a VIP, where that was the first address of the link: then another of the link's.
// Why there is none; empty: it is found.
std::string NextHopKeeper::find_tunnel_source(const IpAddress& destination, const netlink::Way& way) {
  auto& sources = surroundings_.tunnel_sources;
  if (way.source && !vips_.contains(*way.source)) {
    sources.insert_or_assign(destination, *way.source);
    return "";
  }
  const auto addresses = netlink::list_addresses(*requests_);
  if (addresses.ok())
    for (const auto& own : *addresses)
      if (own.link_index == host_link_index_ && own.address.is_v6() == destination.is_v6() &&
          !own.link_local && !vips_.contains(own.address)) {
        sources.insert_or_assign(destination, own.address);
        return "";
      }
  sources.erase(destination);
  return host_link_ + " has no address of the machine's own, where a tunnel would begin";
}

void NextHopKeeper::ask_for(const IpAddress& neighbour) {
  const auto known = known_.find(neighbour);
  if (kept_.contains(neighbour) || (known != known_.end() && known->second.fixed)) return;
  const auto asked = netlink::keep_neighbour(*requests_, host_link_index_, neighbour);
  if (asked.ok())
    kept_.insert(neighbour);
  else
    log::warning(asked.error().message);
}

void NextHopKeeper::forget_unused() {
  std::set<IpAddress> used;
  for (const auto& [place, destination] : destinations_)
    if (destination.neighbour) used.insert(*destination.neighbour);
  if (requests_)
    std::erase_if(surroundings_.tunnel_sources, [&](const auto& entry) {
      return !destinations_.contains({entry.first, true});
    });
  std::erase_if(kept_, [&](const IpAddress& neighbour) {
    if (used.contains(neighbour)) return false;
    // It may be gone already, with its link.
    static_cast<void>(netlink::forget_neighbour(*requests_, host_link_index_, neighbour));
    return true;
  });
}

// True where it has changed.
bool NextHopKeeper::publish(const Place& place, Destination& destination) {
  const auto known = destination.neighbour ? known_.find(*destination.neighbour) : known_.end();
  const auto mac = known == known_.end() ? std::nullopt : std::optional(known->second.mac);
  const bool changed = mac != destination.mac;
  if (changed && !mac)
    log::warning(fmt::format("no neighbour leads to {} any more", place.address.to_string()));
  destination.mac = mac;
  for (const uint32_t id : destination.targets) next_hops_->set(id, mac);
  return changed;
}

bool NextHopKeeper::publish_all() {
  bool changed = false;
  for (auto& [place, destination] : destinations_) changed |= publish(place, destination);
  return changed;
}

bool NextHopKeeper::on_events(TimePoint now) {
  const auto surroundings_before = surroundings_;
  bool ways_may_differ = false;
  const auto on_event = [&](const netlink::Message& event) {
    if (!netlink::is_neighbour_event(event))
      ways_may_differ = true;
    else if (const auto neighbour = netlink::neighbour_of(event))
      take(*neighbour);
  };
  // Where some were lost, those behind them are older than what a look shows.
  bool complete = true;
  while (!events_->take_events(on_event)) complete = false;
  if (!complete) look_at_everything();
  if (!complete || ways_may_differ) {
    const int before = host_link_index_;
    find_host_link();
    if (host_link_index_ != before) look_at_everything();
    for (auto& [place, destination] : destinations_) {
      const bool had_way = destination.neighbour.has_value();
      find_neighbour(place, destination);
      if (!had_way && destination.neighbour) destination.wanted_since = now;
    }
    forget_unused();
  }
  for (const auto& [place, destination] : destinations_)
    if (destination.neighbour) ask_for(*destination.neighbour);  // what the kernel has dropped
  return publish_all() || surroundings_ != surroundings_before;
}

bool NextHopKeeper::is_resolving(TimePoint now) const {
  return std::any_of(destinations_.begin(), destinations_.end(), [&](const auto& entry) {
    const Destination& destination = entry.second;
    return destination.neighbour && !destination.mac && now - destination.wanted_since < kResolvePatience;
  });
}

}  // namespace headgate::fastpath
