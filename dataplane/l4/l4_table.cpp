// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/l4_table.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>

#include "dataplane/contract/enum_names.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l4/flow_hash.hpp"

namespace headgate::l4 {
namespace {

ServiceKeyV4 key_v4(const Endpoint& endpoint, uint8_t protocol) {
  return {Be32(endpoint.address.v4_host_order()), Be16(endpoint.port), protocol, 0};
}
ServiceKeyV6 key_v6(const Endpoint& endpoint, uint8_t protocol) {
  return {endpoint.address.bytes(), Be16(endpoint.port), protocol, {}};
}

uint8_t protocol_of(const contract::L4Listener& object) {
  return object.protocol == contract::Protocol::kUdp ? kProtocolUdp : kProtocolTcp;
}

bool has_weight(const contract::L4Target& target) { return target.weight > 0 && !target.drain; }

}  // namespace

class L4TableBuilder {
 public:
  L4TableBuilder(const L4Table* previous, Tick now, const Surroundings& surroundings,
                 const std::set<uint32_t>& ended)
      : previous_(previous), now_(now), surroundings_(surroundings), ended_(ended) {
    table_->mtu_bytes_ = surroundings.mtu_bytes;
    if (previous == nullptr) return;
    for (const auto& listener : previous->listeners()) {
      before_[{listener.endpoint, listener.protocol}] = &listener;
      share(listener.now.maglev);
    }
  }

  Result<void> add(const contract::L4Listener& object) {
    const Endpoint endpoint{object.address, object.port};
    const bool is_udp = object.protocol == contract::Protocol::kUdp;
    const bool is_local = object.forwarding == contract::Forwarding::kLocal;
    if (!is_udp && object.protocol != contract::Protocol::kTcp)
      return refuse(object, "protocol {} is not balanced", name_of(object.protocol));
    if (is_local && is_udp) return refuse(object, "replicas take no datagrams");
    if (object.forwarding == contract::Forwarding::kFullnat && surroundings_.answers_may_come_to_others)
      return refuse(object, "forwarding fullnat needs headgate-l4 with one worker");
    if (object.forwarding == contract::Forwarding::kVxlan &&
        (!object.vxlan || !parse_mac_address(object.vxlan->mac)))
      return refuse(object, "forwarding vxlan needs a vni and a MAC address");
    const uint8_t protocol = protocol_of(object);
    const auto index = static_cast<uint32_t>(table_->listeners_.size());
    if (!index_by_service_.emplace(Service{endpoint, protocol}, index).second)
      return refuse(object, "it is there twice");
    auto added = add_targets(object, index);
    if (!added.ok()) return added;
    Listener listener{.endpoint = endpoint,
                      .protocol = protocol,
                      .now = {},
                      .before = {},
                      .changed_at = now_,
                      .backups = choices_of(object),
                      .balance = object.balance,
                      .tries_all_down = object.when_all_down == contract::WhenAllDown::kTryAll};
    listener.now = std::move(listener.backups.front());
    listener.backups.erase(listener.backups.begin());
    hand_over(listener);
    table_->listeners_.push_back(std::move(listener));
    objects_.push_back(&object);
    roles_[endpoint.address] = AddressRole::kVip;
    return {};
  }

  std::unique_ptr<const L4Table> finish(contract::Revision revision) {
    keep_lingering();
    table_->revision_ = revision;
    table_->locals_v4_ = FrozenMap<ServiceKeyV4, const Target*>(locals_v4_);
    table_->locals_v6_ = FrozenMap<ServiceKeyV6, const Target*>(locals_v6_);
    freeze_backends();
    for (const auto& address : local_addresses_) roles_[address] = AddressRole::kLocal;
    freeze_services();
    std::vector<std::pair<AddressKeyV4, AddressRole>> roles_v4;
    std::vector<std::pair<AddressKeyV6, AddressRole>> roles_v6;
    for (const auto& [address, role] : roles_) {
      if (address.is_v6())
        roles_v6.emplace_back(AddressKeyV6{address.bytes()}, role);
      else
        roles_v4.emplace_back(AddressKeyV4{Be32(address.v4_host_order()), {}}, role);
    }
    table_->roles_v4_ = FrozenMap<AddressKeyV4, AddressRole>(roles_v4);
    table_->roles_v6_ = FrozenMap<AddressKeyV6, AddressRole>(roles_v6);
    return std::move(table_);
  }

 private:
  using Service = std::pair<Endpoint, uint8_t>;

  template <typename... Args>
  static Error refuse(const contract::L4Listener& object, fmt::format_string<Args...> why, Args&&... args) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("listener {}: {}", Endpoint{object.address, object.port}.to_string(),
                             fmt::format(why, std::forward<Args>(args)...))};
  }

  // Only of VIPs, so that who has found a service need not ask for the address's role.
  void freeze_services() {
    std::vector<std::pair<ServiceKeyV4, uint32_t>> services_v4;
    std::vector<std::pair<ServiceKeyV6, uint32_t>> services_v6;
    for (const auto& [service, index] : index_by_service_) {
      const auto& [endpoint, protocol] = service;
      if (roles_[endpoint.address] != AddressRole::kVip) continue;
      if (endpoint.address.is_v6())
        services_v6.emplace_back(key_v6(endpoint, protocol), index);
      else
        services_v4.emplace_back(key_v4(endpoint, protocol), index);
    }
    table_->services_v4_ = FrozenMap<ServiceKeyV4, uint32_t>(services_v4);
    table_->services_v6_ = FrozenMap<ServiceKeyV6, uint32_t>(services_v6);
  }

  void freeze_backends() {
    std::vector<std::pair<ServiceKeyV4, Backend>> v4;
    std::vector<std::pair<ServiceKeyV6, Backend>> v6;
    for (const auto& [service, backend] : backends_) {
      const auto& [endpoint, protocol] = service;
      if (endpoint.address.is_v6())
        v6.emplace_back(key_v6(endpoint, protocol), backend);
      else
        v4.emplace_back(key_v4(endpoint, protocol), backend);
    }
    table_->backends_v4_ = FrozenMap<ServiceKeyV4, Backend>(v4);
    table_->backends_v6_ = FrozenMap<ServiceKeyV6, Backend>(v6);
    table_->has_backends_ = !backends_.empty();
  }

  // None where the listener's forwarding is none, or this machine has no address to begin it at.
  std::optional<Encapsulation> tunnel_to(const contract::L4Listener& object, const IpAddress& to) const {
    const auto source = surroundings_.sources.find(to);
    if (!is_tunnel(object.forwarding) || source == surroundings_.sources.end()) return std::nullopt;
    VxlanNetwork network;
    if (object.vxlan)
      network = {object.vxlan->vni, parse_mac_address(object.vxlan->mac).value_or(MacAddress{}),
                 surroundings_.uplink_mac};
    return Encapsulation(object.forwarding, {source->second, to}, object.address.is_v6(), network);
  }

  Result<void> add_targets(const contract::L4Listener& object, uint32_t listener) {
    const Endpoint vip{object.address, object.port};
    const bool is_translated = object.forwarding == contract::Forwarding::kLocal || is_nat(object.forwarding);
    if (object.targets.size() > limits::kMaglevMembersMax) return refuse(object, "too many targets");
    for (const auto& from : object.targets) {
      const Endpoint to{from.address, from.port};
      if (from.id >= limits::kTargetIdsMax) return refuse(object, "target id {} is past the bound", from.id);
      if (to.address.is_v6() != vip.address.is_v6() && !is_tunnel(object.forwarding))
        return refuse(object, "target {} is of the other address family", from.name);
      if (table_->target_of_id(from.id) != nullptr)
        return refuse(object, "target id {} is there twice", from.id);
      if (ended_.contains(from.id)) continue;
      if (!bind({.id = from.id,
                 .listener = listener,
                 .protocol = protocol_of(object),
                 .drain = from.drain,
                 .forwarding = object.forwarding,
                 .to_target = is_translated ? Rewrite(vip, to) : Rewrite(),
                 .from_target = is_translated ? Rewrite(to, vip) : Rewrite(),
                 .tunnel = tunnel_to(object, to.address),
                 .source = source_towards(object.forwarding, to.address),
                 .endpoint = to}))
        return refuse(object, "{} is the address of two targets whose answers nothing would tell apart",
                      to.to_string());
    }
    return {};
  }

  std::optional<IpAddress> source_towards(contract::Forwarding forwarding, const IpAddress& to) const {
    const auto source = surroundings_.sources.find(to);
    if (forwarding != contract::Forwarding::kFullnat || source == surroundings_.sources.end())
      return std::nullopt;
    return source->second;
  }

  // False where another target has the address that its answers come from. Where they do not pass us, or come
  // to an address and port of our choice, a backend may be of several listeners.
  bool bind(Target target) {
    const bool is_local = target.is_local();
    const bool is_bound = is_local || target.forwarding == contract::Forwarding::kNat;
    const Service service{target.endpoint, target.protocol};
    if (is_bound && !bound_.insert(service).second) return false;
    Target& bound = table_->targets_.emplace_back(std::move(target));
    if (is_local) bind_local(bound);
    if (is_nat(bound.forwarding)) bind_backend(service, bound);
    auto& by_id = table_->by_id_;
    if (bound.id >= by_id.size()) by_id.resize(bound.id + 1, nullptr);
    by_id[bound.id] = &bound;
    return true;
  }

  void bind_backend(const Service& service, Target& target) {
    const auto [found, is_new] = backends_.try_emplace(service);
    Backend& backend = found->second;
    if (is_new) {
      backend.number = static_cast<uint32_t>(backends_.size());
      backend.hash = service.first.address.is_v6() ? hash_backend(key_v6(service.first, service.second))
                                                   : hash_backend(key_v4(service.first, service.second));
    }
    target.backend_hash = backend.hash;
    target.backend_number = backend.number;
    (target.forwarding == contract::Forwarding::kNat ? backend.nat : backend.fullnat) = &target;
  }

  void bind_local(const Target& target) {
    if (target.endpoint.address.is_v6())
      locals_v6_.emplace_back(key_v6(target.endpoint, kProtocolTcp), &target);
    else
      locals_v4_.emplace_back(key_v4(target.endpoint, kProtocolTcp), &target);
    local_addresses_.insert(target.endpoint.address);
  }

  void keep_lingering() {
    if (previous_ == nullptr) return;
    for (const auto& before : previous_->targets()) {
      if (table_->target_of_id(before.id) != nullptr || ended_.contains(before.id)) continue;
      const Listener& of = previous_->listener(before.listener);
      const auto listener = index_by_service_.find({of.endpoint, of.protocol});
      if (listener == index_by_service_.end()) continue;
      Target target = before;
      target.listener = listener->second;
      target.drain = true;
      const auto& object = *objects_[target.listener];
      if (target.forwarding == object.forwarding) {
        target.tunnel = tunnel_to(object, target.endpoint.address);
        target.source = source_towards(object.forwarding, target.endpoint.address);
      }
      bind(std::move(target));  // not where its address belongs to another by now
    }
  }

  // By priority; at least one, which may be empty.
  std::vector<Choice> choices_of(const contract::L4Listener& object) {
    std::map<uint32_t, std::vector<const contract::L4Target*>> by_priority;
    for (const auto& target : object.targets) by_priority[target.priority].push_back(&target);
    std::vector<Choice> choices;
    for (auto& [priority, targets] : by_priority) choices.push_back(choice_of(std::move(targets)));
    if (choices.empty()) choices.push_back(choice_of({}));
    return choices;
  }

  // Sorted by name, whatever order the object has: Maglev depends on it.
  Choice choice_of(std::vector<const contract::L4Target*> sorted) {
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->name < b->name; });
    Choice choice;
    std::vector<MaglevMember> members;
    for (const auto* target : sorted) {
      members.push_back({target->name, has_weight(*target) ? target->weight : 0});
      choice.ids.push_back(target->id);
    }
    choice.maglev = shared_maglev(std::move(members));
    return choice;
  }

  static std::string sharing_key(const std::vector<MaglevMember>& members) {
    std::string key;
    for (const auto& member : members) key += fmt::format("{}:{}\n", member.name, member.weight);
    return key;
  }
  void share(const std::shared_ptr<const Maglev>& maglev) {
    shared_.emplace(sharing_key(maglev->members()), maglev);
  }
  std::shared_ptr<const Maglev> shared_maglev(std::vector<MaglevMember> members) {
    auto& shared = shared_[sharing_key(members)];
    if (shared == nullptr) shared = std::make_shared<const Maglev>(std::move(members));
    return shared;
  }

  void hand_over(Listener& listener) const {
    const auto found = before_.find({listener.endpoint, listener.protocol});
    if (found == before_.end()) return;
    const Listener& before = *found->second;
    if (before.now == listener.now) {  // unchanged: an earlier hand-over runs on
      listener.before = before.before;
      listener.changed_at = before.changed_at;
    } else if (!before.now.maglev->empty()) {
      listener.before = before.now;
    }
    if (now_.since(listener.changed_at) > L4Table::kHandoverTicks) listener.before = {};
  }

  const L4Table* previous_;
  Tick now_;
  const Surroundings& surroundings_;
  const std::set<uint32_t>& ended_;
  std::unique_ptr<L4Table> table_{new L4Table};
  std::map<Service, const Listener*> before_;
  std::map<std::string, std::shared_ptr<const Maglev>> shared_;
  std::map<Service, uint32_t> index_by_service_;
  std::vector<const contract::L4Listener*> objects_;  // by index; of the snapshot
  std::set<Service> bound_;
  std::map<Service, Backend> backends_;
  std::set<IpAddress> local_addresses_;
  std::map<IpAddress, AddressRole> roles_;
  std::vector<std::pair<ServiceKeyV4, const Target*>> locals_v4_;
  std::vector<std::pair<ServiceKeyV6, const Target*>> locals_v6_;
};

Result<std::unique_ptr<const L4Table>> L4Table::build(const contract::Snapshot& snapshot,
                                                      const L4Table* previous, Tick now,
                                                      const Surroundings& surroundings,
                                                      const std::set<uint32_t>& ended) {
  L4TableBuilder builder(previous, now, surroundings, ended);
  for (const auto& [key, object] : snapshot.objects) {
    const auto* listener = std::get_if<contract::L4Listener>(object.get());
    if (listener == nullptr) continue;  // a kind that this release does not know of l4
    auto added = builder.add(*listener);
    if (!added.ok()) return std::move(added).error();
  }
  return builder.finish(snapshot.revision);
}

}  // namespace headgate::l4
