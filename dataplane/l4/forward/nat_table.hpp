// SPDX-License-Identifier: Apache-2.0
// NatTable<Key>: the flows of fullnat listeners, which leave with an address and a port of ours, both
// directions in one entry. The port says where the entry lies: a flow's hash and the backend choose a group
// of four ports, backend and group choose a bucket (a cache line, of IPv6 two), and the flow gets one of the
// four. So an answer finds its entry by nothing but its own addresses and ports, as the flow does by its
// hash, no port is given to two flows of a backend, and no second map can disagree with the first. Where a
// bucket is full there are three more. The hash is mixed with a secret: nobody can aim at one group. Of a
// full place a flow that is closing or new gives way, then one that has been idle for long; else the new one
// gets no port. Bounded, never resized. Ports are told apart by worker: an answer's port says whose flow it
// is. Thread: one worker's.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/flow_key.hpp"
#include "dataplane/l4/flow_entry.hpp"
#include "dataplane/l4/line_memory.hpp"

namespace headgate::l4 {

// Of the ports that are ours to leave with: those of one worker.
struct NatPorts {
  uint16_t first = 1024;
  uint16_t last = 32767;  // Linux gives its own connections those from 32768 on
  uint16_t worker = 0;
  uint16_t workers = 1;

  static constexpr unsigned kPerGroup = 4;
  uint32_t groups() const { return (last - first + 1u) / kPerGroup / workers; }
  uint16_t first_of(uint32_t group) const {
    return static_cast<uint16_t>(first + (group * workers + worker) * kPerGroup);
  }
  // Whose it is, by number of worker; none's: `workers`.
  uint16_t owner_of(uint16_t port) const {
    const uint32_t number = (port - first) / kPerGroup;
    return port < first || number / workers >= groups() ? workers : static_cast<uint16_t>(number % workers);
  }
  uint32_t group_of(uint16_t port) const { return (port - first) / kPerGroup / workers; }
};

// What has been seen of a connection, beside its entry's state.
enum NatSeen : uint16_t { kAnswered = 1, kClientFin = 2, kBackendFin = 4 };

template <ClientKey Key>
struct NatFlow {
  Key client{};
  FlowEntry entry;
  uint16_t port = 0;  // ours, in host order
  uint16_t seen = 0;  // NatSeen
};
static_assert(sizeof(NatFlow<ClientKeyV4>) == 16);
static_assert(sizeof(NatFlow<ClientKeyV6>) == 32);

template <ClientKey Key>
class NatTable {
 public:
  using Flow = NatFlow<Key>;
  static constexpr std::size_t kSlotsPerBucket = NatPorts::kPerGroup;

  // Room for `flows` at four fifths of the slots, and more where the next power of two has it.
  NatTable(std::size_t flows, uint64_t secret, const NatPorts& ports, FileRoom file = {})
      : buckets_(buckets_for(flows), Touch::kNow, file),
        shift_(64 - static_cast<unsigned>(std::countr_zero(buckets_.size()))),
        secret_(secret | 1),
        ports_(ports) {
    HG_ASSERT(ports.groups() > 0);
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      for (const Flow& flow : buckets_[i].flows) size_ += !flow.entry.empty();
  }
  static std::size_t file_bytes(std::size_t flows) {
    return LineMemory<Bucket>::bytes_of(buckets_for(flows));
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return buckets_.size() * kSlotsPerBucket; }
  const NatPorts& ports() const { return ports_; }

  // The flow of a client to one target; null where it is not known. Valid until the next open() or sweep().
  // `backend`: a hash of its address, port and protocol.
  Flow* find(const Key& client, uint32_t target_id, uint64_t backend, uint64_t hash, Tick now) {
    for (unsigned turn = 0; turn < kPlaces; ++turn)
      for (Flow& flow : bucket(backend, group(hash, turn)).flows)
        if (flow.entry.target_id() == target_id && same(flow.client, client) && is_live(flow, now))
          return &flow;
    return nullptr;
  }

  // Only where find() has just said that it is not known. Null where no port can be had.
  Flow* open(const Key& client, FlowEntry entry, uint64_t backend, uint64_t hash, Tick now) {
    Flow* best = nullptr;
    uint32_t best_group = 0;
    uint32_t best_worth = kKept;
    for (unsigned turn = 0; turn < kPlaces && best_worth > 0; ++turn) {
      const uint32_t at = group(hash, turn);
      for (Flow& flow : bucket(backend, at).flows) {
        const uint32_t worth = worth_of(flow, now);
        if (worth >= best_worth) continue;
        best = &flow;
        best_group = at;
        best_worth = worth;
      }
    }
    if (best == nullptr) return nullptr;
    if (best_worth > 0) ++evicted_;
    if (best->entry.empty()) ++size_;
    best->entry = FlowEntry();  // its own port is free
    const uint16_t port = free_port(backend, best_group, now);
    *best = {client, entry, port, 0};
    ++opened_;
    return best;
  }

  // Of an answer to one of our ports. `is_backends`: whether the target of this id is the backend that it
  // comes from.
  template <typename IsBackends>
  Flow* find_port(uint64_t backend, uint16_t port, Tick now, IsBackends is_backends) {
    if (ports_.owner_of(port) != ports_.worker) return nullptr;
    for (Flow& flow : bucket(backend, ports_.group_of(port)).flows)
      if (flow.port == port && is_live(flow, now) && is_backends(flow.entry.target_id())) return &flow;
    return nullptr;
  }

  // A flow by a number that stays its own as long as it is live.
  uint32_t number_of(const Flow& flow) const {
    const auto offset_bytes =
        reinterpret_cast<const std::byte*>(&flow) - reinterpret_cast<const std::byte*>(&buckets_[0]);
    return static_cast<uint32_t>(static_cast<std::size_t>(offset_bytes) / sizeof(Flow));
  }
  Flow* find_number(uint32_t number, Tick now) {
    Flow& flow = buckets_[number / kSlotsPerBucket].flows[number % kSlotsPerBucket];
    return is_live(flow, now) ? &flow : nullptr;
  }

  // Forgets what has expired in the next `buckets` buckets, round and round. Everything must be swept within
  // half of what a Tick can tell.
  void sweep(std::size_t buckets, Tick now) {
    for (; buckets > 0; --buckets) {
      for (Flow& flow : buckets_[sweep_at_].flows)
        if (!flow.entry.empty() && flow.entry.expired(now)) {
          flow = {};
          --size_;
        }
      sweep_at_ = (sweep_at_ + 1) & (buckets_.size() - 1);
    }
  }
  std::size_t bucket_count() const { return buckets_.size(); }

  uint64_t opened() const { return opened_; }
  uint64_t evicted() const { return evicted_; }  // live flows that had to give way

 private:
  static constexpr unsigned kPlaces = 4;
  static constexpr uint32_t kKept = UINT32_MAX;  // the worth of what does not give way
  // An established flow keeps its port for so long whatever comes, and then as long as nobody needs it.
  static constexpr uint32_t kIdleTicksMin = ticks(std::chrono::seconds(120));

  struct alignas(64) Bucket {
    std::array<Flow, kSlotsPerBucket> flows;
  };
  static_assert(sizeof(Bucket) == kSlotsPerBucket * sizeof(Flow) && sizeof(Bucket) % 64 == 0);
  static std::size_t buckets_for(std::size_t flows) {
    return std::bit_ceil(std::max<std::size_t>(flows * 5 / 4 / kSlotsPerBucket, 4));
  }

  static bool same(const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  static bool is_live(const Flow& flow, Tick now) { return !flow.entry.empty() && !flow.entry.expired(now); }
  static uint32_t worth_of(const Flow& flow, Tick now) {
    if (!is_live(flow, now)) return 0;
    const uint32_t idle = now.since(flow.entry.seen());
    const bool established = flow.entry.state() == FlowState::kEstablished;
    if (established && idle < kIdleTicksMin) return kKept;
    const uint32_t rank = established ? 2 : flow.entry.state() == FlowState::kNew ? 1 : 0;
    return 1 + (rank << Tick::kBits | (Tick::kMask - idle));
  }

  // Of the group's four: one of them is free, for the bucket has no more slots than that.
  uint16_t free_port(uint64_t backend, uint32_t group, Tick now) const {
    const uint16_t first = ports_.first_of(group);
    unsigned taken = 0;
    for (const Flow& flow : bucket(backend, group).flows)
      if (is_live(flow, now) && flow.port >= first && flow.port < first + NatPorts::kPerGroup)
        taken |= 1u << (flow.port - first);
    return static_cast<uint16_t>(first + std::countr_one(taken));
  }

  static uint64_t mix(uint64_t value) {
    value *= 0x9e3779b97f4a7c15;
    return value ^ value >> 32;
  }
  uint32_t group(uint64_t hash, unsigned turn) const {
    const uint64_t mixed = mix(hash * secret_ + turn);
    return static_cast<uint32_t>((mixed & UINT32_MAX) * ports_.groups() >> 32);
  }
  std::size_t bucket_index(uint64_t backend, uint32_t group) const {
    return (mix(backend + group) * secret_) >> shift_;
  }
  Bucket& bucket(uint64_t backend, uint32_t group) { return buckets_[bucket_index(backend, group)]; }
  const Bucket& bucket(uint64_t backend, uint32_t group) const {
    return buckets_[bucket_index(backend, group)];
  }

  LineMemory<Bucket> buckets_;
  unsigned shift_;
  uint64_t secret_;
  NatPorts ports_;
  std::size_t size_ = 0;
  std::size_t sweep_at_ = 0;
  uint64_t opened_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace headgate::l4
