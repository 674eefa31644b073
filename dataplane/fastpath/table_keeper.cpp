// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/table_keeper.hpp"

#include <algorithm>
#include <set>

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
  // First: a worker that sees the table must not see a target unmasked that is dead or led to by nobody.
  next_hops_.follow(**table, now);
  publish_routes();
  mask_targets(next, **table);
  // Where the first tunnel begins is known once its target is followed.
  if (next_hops_.surroundings() != built_by_) table = build(next, now);
  version_ = tables_.publish(std::move(table).value());
  snapshot_ = std::move(next);
  return {};
}

Result<std::unique_ptr<const l4::L4Table>> TableKeeper::build(const contract::Snapshot& snapshot,
                                                              TimePoint now) {
  built_by_ = next_hops_.surroundings();
  return l4::L4Table::build(snapshot, &tables_.current(), l4::Tick::at(now), built_by_);
}

void TableKeeper::update_health(const contract::HealthDelta& delta) {
  contract::apply_health(health_, delta);
  mask_targets(snapshot_, current());
}

void TableKeeper::on_network_events(TimePoint now) {
  const bool changed = next_hops_.on_events(now);
  publish_routes();
  if (!changed) return;
  mask_targets(snapshot_, current());
  if (next_hops_.surroundings() == built_by_) return;
  auto table = build(snapshot_, now);
  HG_ASSERT(table.ok());  // of a snapshot that was taken
  version_ = tables_.publish(std::move(table).value());
}

void TableKeeper::mask_targets(const contract::Snapshot& snapshot, const l4::L4Table& table) {
  std::set<uint32_t> down;
  for (const auto& [key, object] : snapshot.objects)
    if (const auto* listener = std::get_if<contract::L4Listener>(object.get()))
      for (const auto& target : listener->targets)
        if (is_down(health_, listener->pool, target.name)) down.insert(target.id);
  // Those that linger too: datagrams may be on them still.
  for (const auto& target : table.targets())
    mask_.set(target.id, down.contains(target.id) || (!target.is_local() && !next_hops().find(target.id)));
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
