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

}  // namespace

// Why frames of a target can't go this way; empty: they can.
std::string NextHopKeeper::fault_of(const std::optional<netlink::Way>& way, int host_link_index,
                                    const std::string& host_link, Reach reach) {
  if (!way) return "no route leads to it";
  if (way->is_local) return "it is an address of this machine";
  if (way->link_index != host_link_index) return "its route does not lead by " + host_link;
  if (way->gateway && reach == Reach::kNeighbour)
    return fmt::format("it is behind the gateway {}: by dsr only neighbours are reached",
                       way->gateway->to_string());
  return "";
}

NextHopKeeper::Reach NextHopKeeper::reach_of(contract::Forwarding forwarding) {
  if (l4::is_tunnel(forwarding) || forwarding == contract::Forwarding::kFullnat) return Reach::kFromHere;
  return forwarding == contract::Forwarding::kNat ? Reach::kRouted : Reach::kNeighbour;
}

Result<NextHopKeeper> NextHopKeeper::open(std::string host_link, const MacAddress& uplink_mac) {
  auto requests = netlink::Socket::open();
  if (!requests.ok()) return std::move(requests).error();
  auto events = netlink::Socket::subscribe(kGroups);
  if (!events.ok()) return std::move(events).error();
  return NextHopKeeper(std::move(*requests), std::move(*events), std::move(host_link), uplink_mac);
}

NextHopKeeper::NextHopKeeper(const StaticNeighbours& neighbours, const l4::Surroundings& surroundings,
                             const std::optional<IpAddress>& gateway)
    : surroundings_(surroundings) {
  std::vector<l4::Routes::Entry> routes;
  const IpAddress anywhere[] = {IpAddress::v4(0), IpAddress::v6({})};
  for (const auto& any : anywhere)
    routes.push_back(gateway ? l4::Routes::Entry{{any, 0}, l4::RouteKind::kGateway, *gateway}
                             : l4::Routes::Entry{{any, 0}, l4::RouteKind::kNeighbour});
  for (const auto& [address, mac] : neighbours) {
    known_[address] = {mac, true};
    const auto all_bits = static_cast<uint8_t>(address.size_bytes() * 8);
    routes.push_back({{address, all_bits}, l4::RouteKind::kNeighbour});
  }
  routes_ = std::make_shared<const l4::Routes>(routes);
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
  if (wants_routes_) look_at_routes();
}

// The main table's, and the machine's own addresses. Of two routes for one prefix the lower metric counts.
void NextHopKeeper::look_at_routes() {
  routes_changed_ = true;
  auto routes = netlink::list_routes(*requests_);
  const auto addresses = netlink::list_addresses(*requests_);
  if (!routes.ok()) return log::warning(routes.error().message);
  if (!addresses.ok()) return log::warning(addresses.error().message);
  std::stable_sort(routes->begin(), routes->end(),
                   [](const auto& a, const auto& b) { return a.metric > b.metric; });
  std::vector<l4::Routes::Entry> entries;
  gateways_.clear();
  for (const auto& route : *routes) {
    if (route.link_index == host_link_index_ && route.gateway) gateways_.insert(*route.gateway);
    if (route.link_index != host_link_index_)
      entries.push_back({route.destination, l4::RouteKind::kNowhere});
    else if (route.gateway)
      entries.push_back({route.destination, l4::RouteKind::kGateway, *route.gateway});
    else
      entries.push_back({route.destination, l4::RouteKind::kNeighbour});
  }
  for (const auto& own : *addresses)
    entries.push_back(
        {{own.address, static_cast<uint8_t>(own.address.size_bytes() * 8)}, l4::RouteKind::kHost});
  routes_ = std::make_shared<const l4::Routes>(entries);
  // What clients are behind sends nothing that the kernel would see, and so must be asked for.
  for (const auto& gateway : gateways_) ask_for(gateway);
}

void NextHopKeeper::want_routes(bool wanted) {
  if (wanted == wants_routes_) return;
  wants_routes_ = wanted;
  routes_changed_ = true;
  gateways_.clear();
  if (wanted && requests_) look_at_routes();
}

std::unique_ptr<const l4::RouteTable> NextHopKeeper::take_routes() {
  if (!std::exchange(routes_changed_, false)) return nullptr;
  if (!wants_routes_) return std::make_unique<const l4::RouteTable>();
  l4::RouteTable::Neighbours neighbours;
  for (const auto& [address, known] : known_) neighbours.emplace_back(address, known.mac);
  return std::make_unique<const l4::RouteTable>(routes_, neighbours);
}

void NextHopKeeper::want_neighbour(const IpAddress& address, TimePoint now) {
  if (!requests_ || known_.contains(address) || !questions_left_.take(now)) return;
  const auto asked = netlink::ask_for_neighbour(*requests_, host_link_index_, address);
  if (!asked.ok()) log::debug(asked.error().message);  // its table may be full: it is asked for again
}

void NextHopKeeper::take(const netlink::Neighbour& neighbour) {
  if (neighbour.link_index != host_link_index_) return;
  const auto known = known_.find(neighbour.address);
  const bool same =
      known == known_.end() ? !neighbour.usable : neighbour.usable && known->second.mac == neighbour.mac;
  routes_changed_ = routes_changed_ || (wants_routes_ && !same);
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
  want_routes(table.has_backends());
  std::set<uint32_t> served;
  for (const auto& target : table.targets()) {
    if (target.is_local()) continue;
    const Place place{target.endpoint.address, reach_of(target.forwarding)};
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
  const auto& [address, reach] = place;
  destination.neighbour.reset();
  if (!requests_) {
    destination.neighbour = address;
    return;
  }
  const auto way = netlink::find_way(*requests_, address);
  auto fault = way.ok() ? fault_of(*way, host_link_index_, host_link_, reach) : way.error().message;
  if (fault.empty() && reach == Reach::kFromHere) fault = find_source(address, **way);
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
std::string NextHopKeeper::find_source(const IpAddress& destination, const netlink::Way& way) {
  auto& sources = surroundings_.sources;
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
  return host_link_ + " has no address of the machine's own, which packets would come from";
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
  std::set<IpAddress> used = gateways_;
  for (const auto& [place, destination] : destinations_)
    if (destination.neighbour) used.insert(*destination.neighbour);
  if (requests_)
    std::erase_if(surroundings_.sources, [&](const auto& entry) {
      return !destinations_.contains({entry.first, Reach::kFromHere});
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
    if (wants_routes_) look_at_routes();
    for (auto& [place, destination] : destinations_) {
      const bool had_way = destination.neighbour.has_value();
      find_neighbour(place, destination);
      if (!had_way && destination.neighbour) destination.wanted_since = now;
    }
    forget_unused();
  }
  for (const auto& [place, destination] : destinations_)
    if (destination.neighbour) ask_for(*destination.neighbour);  // what the kernel has dropped
  for (const auto& gateway : gateways_) ask_for(gateway);
  return publish_all() || surroundings_ != surroundings_before;
}

bool NextHopKeeper::is_resolving(TimePoint now) const {
  return std::any_of(destinations_.begin(), destinations_.end(), [&](const auto& entry) {
    const Destination& destination = entry.second;
    return destination.neighbour && !destination.mac && now - destination.wanted_since < kResolvePatience;
  });
}

}  // namespace headgate::fastpath
