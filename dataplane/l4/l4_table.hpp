// SPDX-License-Identifier: Apache-2.0
// L4Table: the whole configuration as the packet path reads it, immutable and published by one pointer. Built
// by the control thread from the snapshot and the table before it, with which it shares the Maglev tables
// that have not changed (by shared pointer, counted by the control thread alone: workers only look). Threads:
// built and freed by control, read by all workers between two refresh() of crossing/Publisher.
//
// Hand-over: where a listener's targets change, the table keeps the choice of the one before for a while. A
// flow whose SYN came before the change and whose first data comes after it is thereby still known to belong
// to the old target, without any state having been kept for the SYN.
// Lingering: a target that has gone from a listener keeps its flows until it is said to have ended, as one
// that drains: the replica that is being stopped finishes its exchanges, and its answers still find their way
// out.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/flow_key.hpp"
#include "dataplane/core/maglev.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/l4/coarse_clock.hpp"
#include "dataplane/l4/forward/encapsulation.hpp"
#include "dataplane/l4/frozen_map.hpp"
#include "dataplane/l4/rewrite.hpp"
#include "dataplane/l4/service_key.hpp"
#include "dataplane/l4/surroundings.hpp"

namespace headgate::l4 {

// What an address is to this machine, beside being the kernel's.
enum class AddressRole : uint8_t { kNone, kVip, kLocal };

// Whether the target's answers pass us, to be translated back.
constexpr bool is_nat(contract::Forwarding forwarding) {
  return forwarding == contract::Forwarding::kNat || forwarding == contract::Forwarding::kFullnat;
}

struct Target {
  uint32_t id = 0;
  uint32_t listener = 0;  // index in the table
  uint8_t protocol = 0;   // the listener's
  bool drain = false;     // keeps its flows, gets no new ones
  contract::Forwarding forwarding = contract::Forwarding::kLocal;
  Rewrite to_target;    // where it is translated: VIP and port → the target's
  Rewrite from_target;  // and back
  std::optional<Encapsulation> tunnel;
  std::optional<IpAddress> source;  // of kFullnat: what packets to it come from
  uint64_t backend_hash = 0;        // of kNat and kFullnat: see Backend
  uint32_t backend_number = 0;
  Endpoint endpoint;  // of a replica its local one, else the backend's

  bool is_local() const { return forwarding == contract::Forwarding::kLocal; }  // a replica of this machine
};

// A backend as its answers name it, by address, port and protocol: it may be a target of several listeners.
struct Backend {
  uint64_t hash = 0;                // the same in every table and process
  uint32_t number = 0;              // in this table
  const Target* nat = nullptr;      // of nat it is one listener's: nothing in an answer says whose
  const Target* fullnat = nullptr;  // any of those that it is by fullnat
};

// Which target a hash belongs to, at one revision of a listener's targets.
struct Choice {
  std::shared_ptr<const Maglev> maglev;
  std::vector<uint32_t> ids;  // by position in maglev

  friend bool operator==(const Choice&, const Choice&) = default;
};

struct Listener {
  Endpoint endpoint;
  uint8_t protocol = 0;
  Choice now;
  Choice before;  // maglev is null where there is no hand-over
  Tick changed_at;
  std::vector<Choice> backups;  // of lower priority, in order: each for where all before it are proved down
  contract::FlowBalance balance = contract::FlowBalance::kFlow;
  bool tries_all_down = true;  // where all targets are proved down: whether they get packets all the same
};

class L4Table {
 public:
  // How long a SYN may wait for the packet that shows the client has seen the answer.
  static constexpr uint32_t kHandoverTicks = ticks(std::chrono::seconds(32));

  // kInvalid with the reason where an object cannot be served; then nothing changes. `previous` may be null.
  // `ended`: ids of targets that keep their flows no longer.
  static Result<std::unique_ptr<const L4Table>> build(const contract::Snapshot& snapshot,
                                                      const L4Table* previous, Tick now,
                                                      const Surroundings& surroundings = {},
                                                      const std::set<uint32_t>& ended = {});

  contract::Revision revision() const { return revision_; }
  uint16_t mtu_bytes() const { return mtu_bytes_; }
  const std::vector<Listener>& listeners() const { return listeners_; }
  const std::deque<Target>& targets() const { return targets_; }

  // Index of the listener. Its address has the role kVip.
  const uint32_t* find(const ServiceKeyV4& key) const { return services_v4_.find(key); }
  const uint32_t* find(const ServiceKeyV6& key) const { return services_v6_.find(key); }
  // Of a replica's local address and port; null: it is none's.
  const Target* find_local(const ServiceKeyV4& key) const { return target_of(locals_v4_.find(key)); }
  const Target* find_local(const ServiceKeyV6& key) const { return target_of(locals_v6_.find(key)); }
  // Of the address and port that an answer by the uplink comes from; null: it is no answer.
  const Backend* find_backend(const ServiceKeyV4& key) const { return backends_v4_.find_rare(key); }
  const Backend* find_backend(const ServiceKeyV6& key) const { return backends_v6_.find_rare(key); }
  bool has_backends() const { return has_backends_; }
  AddressRole role(const AddressKeyV4& key) const { return role_of(roles_v4_.find(key)); }
  AddressRole role(const AddressKeyV6& key) const { return role_of(roles_v6_.find(key)); }
  // The same for an address that hardly ever has one: a client's.
  AddressRole role_of_source(const AddressKeyV4& key) const { return role_of(roles_v4_.find_rare(key)); }
  AddressRole role_of_source(const AddressKeyV6& key) const { return role_of(roles_v6_.find_rare(key)); }

  const Listener& listener(uint32_t index) const { return listeners_[index]; }
  // Null where the revision has no such target.
  const Target* target_of_id(uint32_t id) const { return id < by_id_.size() ? by_id_[id] : nullptr; }
  // Or where it is another listener's.
  const Target* target_of_id(uint32_t id, uint32_t listener) const {
    const Target* target = target_of_id(id);
    return target != nullptr && target->listener == listener ? target : nullptr;
  }

 private:
  friend class L4TableBuilder;
  L4Table() = default;
  static AddressRole role_of(const AddressRole* found) {
    return found == nullptr ? AddressRole::kNone : *found;
  }

  static const Target* target_of(const Target* const* found) { return found == nullptr ? nullptr : *found; }

  contract::Revision revision_ = 0;
  uint16_t mtu_bytes_ = 0;
  std::vector<Listener> listeners_;
  std::deque<Target> targets_;        // never moved: all others point to them
  std::vector<const Target*> by_id_;  // null: no such target
  FrozenMap<ServiceKeyV4, uint32_t> services_v4_;
  FrozenMap<ServiceKeyV6, uint32_t> services_v6_;
  FrozenMap<ServiceKeyV4, const Target*> locals_v4_;
  FrozenMap<ServiceKeyV6, const Target*> locals_v6_;
  FrozenMap<ServiceKeyV4, Backend> backends_v4_;
  FrozenMap<ServiceKeyV6, Backend> backends_v6_;
  bool has_backends_ = false;
  FrozenMap<AddressKeyV4, AddressRole> roles_v4_;
  FrozenMap<AddressKeyV6, AddressRole> roles_v6_;
};

}  // namespace headgate::l4
