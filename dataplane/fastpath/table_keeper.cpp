// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/table_keeper.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"

namespace headgate::fastpath {
namespace {

std::unique_ptr<const l4::L4Table> empty_table() {
  return std::move(l4::L4Table::build(contract::Snapshot{}, nullptr, l4::Tick())).value();
}

// Usable until it is proved down. Replicas are a group of their own.
bool is_down(const contract::HealthView& health, const std::string& pool, const std::string& target) {
  const auto found = health.find({pool.empty() ? contract::kHealthGroupL4 : pool, target});
  if (found == health.end() || found->second.endpoints.empty()) return false;
  const auto& endpoints = found->second.endpoints;
  return std::none_of(endpoints.begin(), endpoints.end(),
                      [](const auto& endpoint) { return endpoint.usable; });
}

// A target that is in the snapshot no more, and nobody has said for how long.
constexpr auto kGoneKeepsFlows = std::chrono::minutes(15);

// Of the pool with this uid; of replicas there are none.
TargetPhases::Rules rules_of(const contract::Snapshot& snapshot, const std::string& pool) {
  const auto found = snapshot.objects.find({std::string(contract::kAudienceL4), contract::Kind::kPool, pool});
  if (pool.empty() || found == snapshot.objects.end()) return {};
  const auto& as_pool = std::get<contract::Pool>(*found->second);
  TargetPhases::Rules rules;
  if (as_pool.slow_start) rules.slow_start = *as_pool.slow_start;
  if (as_pool.drain_timeout) rules.drain_timeout = *as_pool.drain_timeout;
  return rules;
}

}  // namespace

TableKeeper::TableKeeper(std::size_t workers, NextHopKeeper next_hops)
    : next_hops_(std::move(next_hops)),
      wanted_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      routes_(workers, std::make_unique<const l4::RouteTable>()),
      tables_(workers, empty_table()) {
  HG_ASSERT(wanted_);
}

Result<void> TableKeeper::configure(const contract::Delta& delta, TimePoint now) {
  contract::Snapshot next = snapshot_;
  auto applied = contract::apply(next, delta);
  if (!applied.ok()) return applied;
  auto table = build(next, now);
  if (!table.ok()) return std::move(table).error();
  auto surroundings = next_hops_.surroundings();
  auto ended = phases_.ended(now);
  follow(next, **table, now);
  // Where the first tunnel begins is known once its target is followed; and which drains are over, now that
  // it is known what drains.
  if (next_hops_.surroundings() != surroundings || phases_.ended(now) != ended) {
    table = build(next, now);
    HG_ASSERT(table.ok());
    follow(next, **table, now);
  }
  // First: a worker that sees the table must not see a target unmasked that is dead or led to by nobody.
  mask_targets(**table, now);
  snapshot_ = std::move(next);
  publish(std::move(table).value(), now);
  return {};
}

void TableKeeper::follow(const contract::Snapshot& snapshot, const l4::L4Table& table, TimePoint now) {
  next_hops_.follow(table, now);
  publish_routes();
  phases_.update(states_of(snapshot, table), now);
}

Result<std::unique_ptr<const l4::L4Table>> TableKeeper::build(const contract::Snapshot& snapshot,
                                                              TimePoint now) const {
  return l4::L4Table::build(snapshot, &tables_.current(), l4::Tick::at(now), next_hops_.surroundings(),
                            phases_.ended(now));
}

void TableKeeper::publish(std::unique_ptr<const l4::L4Table> table, TimePoint now) {
  built_by_ = next_hops_.surroundings();
  ended_ = phases_.ended(now);
  phases_applied_ = now;
  version_ = tables_.publish(std::move(table));
}

void TableKeeper::update_health(const contract::HealthDelta& delta, TimePoint now) {
  contract::apply_health(health_, delta);
  phases_.update(states_of(snapshot_, current()), now);
  on_time(now);
}

void TableKeeper::on_time(TimePoint now) {
  if (next_hops_.surroundings() != built_by_ || phases_.ended(now) != ended_) {
    auto table = build(snapshot_, now);
    HG_ASSERT(table.ok());  // of a snapshot that was taken
    publish(std::move(table).value(), now);
  }
  // After the table: no target is unmasked before its packets have an address to come from.
  mask_targets(current(), now);
  phases_applied_ = now;
}

void TableKeeper::on_network_events(TimePoint now) {
  const bool changed = next_hops_.on_events(now);
  publish_routes();
  if (!changed) return;
  phases_.update(states_of(snapshot_, current()), now);
  on_time(now);
}

// Those that linger too: datagrams may be on them still.
TargetPhases::States TableKeeper::states_of(const contract::Snapshot& snapshot,
                                            const l4::L4Table& table) const {
  TargetPhases::States states;
  std::map<std::pair<Endpoint, contract::Protocol>, TargetPhases::Rules> rules;
  for (const auto& [key, object] : snapshot.objects) {
    const auto* listener = std::get_if<contract::L4Listener>(object.get());
    if (listener == nullptr) continue;
    const auto of_pool = rules_of(snapshot, listener->pool);
    rules[{{listener->address, listener->port}, listener->protocol}] = of_pool;
    const bool is_local = listener->forwarding == contract::Forwarding::kLocal;
    for (const auto& target : listener->targets)
      states[target.id] = {of_pool,
                           !is_down(health_, listener->pool, target.name) &&
                               (is_local || next_hops().find(target.id).has_value()),
                           target.drain};
  }
  for (const auto& target : table.targets()) {
    if (states.contains(target.id)) continue;
    const auto& of = table.listener(target.listener);
    const auto protocol = of.protocol == kProtocolUdp ? contract::Protocol::kUdp : contract::Protocol::kTcp;
    auto gone = rules[{of.endpoint, protocol}];
    if (!gone.drain_timeout) gone.drain_timeout = kGoneKeepsFlows;
    states[target.id] = {gone, target.is_local() || next_hops().find(target.id).has_value(), true};
  }
  return states;
}

// Of the targets that a choice is between, shares are of what the warmest takes: where all start alike, each
// takes all that falls to it.
void TableKeeper::share_out(const l4::Choice& choice, TimePoint now, Shares& shares) const {
  double warmest = 0;
  Shares started;
  for (std::size_t i = 0; i < choice.ids.size(); ++i) {
    const uint32_t id = choice.ids[i];
    if (choice.maglev->members()[i].weight == 0 || !phases_.is_usable(id)) continue;
    started[id] = phases_.share(id, now);
    warmest = std::max(warmest, started[id]);
  }
  for (const auto& [id, share] : started) shares[id] = share / warmest;
}

void TableKeeper::mask_targets(const l4::L4Table& table, TimePoint now) {
  Shares shares;
  for (const auto& target : table.targets()) shares[target.id] = phases_.is_usable(target.id) ? 1 : 0;
  for (const auto& listener : table.listeners()) {
    share_out(listener.now, now, shares);
    for (const auto& backup : listener.backups) share_out(backup, now, shares);
  }
  for (const auto& [id, share] : shares)
    mask_.set_share(id, static_cast<uint8_t>(std::lround(share * l4::TargetMask::kAll)));
}

void TableKeeper::publish_routes() {
  if (auto routes = next_hops_.take_routes()) routes_.publish(std::move(routes));
}

void TableKeeper::want_neighbours(const Workers& workers, TimePoint now) {
  uint64_t woken = 0;
  [[maybe_unused]] const auto got = ::read(wanted_.get(), &woken, sizeof woken);
  for (const auto& worker : workers)
    while (const auto wanted = worker->take_wanted()) next_hops_.want_neighbour(*wanted, now);
}

bool TableKeeper::settle(TimePoint now) {
  tables_.reclaim();
  routes_.reclaim();
  return tables_.seen_by_all(version_) && !next_hops_.is_resolving(now);
}

}  // namespace headgate::fastpath
