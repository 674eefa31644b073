// SPDX-License-Identifier: Apache-2.0
// FlowTable<Key>: the flows that one worker remembers, in buckets of one cache line: what a flow's listener
// does not say of it, and its target, which is of one listener. Together they are the whole key: a hash alone
// is never trusted, and the denser the table, the more of it the core's own caches hold. A key lives in one
// group of two halves, in its near half if there is room, else in the far one: nearly every look-up reads
// half a group, and lines in flight are what a burst has too few of. A full group forgets what is worth
// least: expired, closing, new, then the longest idle; a forgotten flow falls back to Maglev, which moves it
// only if the targets have changed. The half is chosen by the hash times a secret: who knows the hash cannot
// aim at one group. Bounded, never resized. Expiry happens at insert and by sweep(). Thread: that worker
// only.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/core/flow_key.hpp"
#include "dataplane/l4/flow_entry.hpp"
#include "dataplane/l4/line_memory.hpp"

namespace headgate::l4 {

template <ClientKey Key>
class FlowTable {
 public:
  static constexpr std::size_t kSlotsPerBucket = 64 / (sizeof(Key) + sizeof(FlowEntry));
  static constexpr std::size_t kSlotsPerFlow = kSlotsPerBucket > 2 ? 2 : 3;

  enum class Insert : uint8_t { kFree, kEvicted };  // whether a live flow had to give way

  // A power of two of buckets that the flows fill to a half at most (IPv6: a third): then about one flow in a
  // hundred finds its group full (of IPv4's ten slots; of IPv6's four, one in fifty).
  // In a file it finds the flows of an earlier process again, if that had as many flows and the same secret.
  FlowTable(std::size_t flows, uint64_t secret, FileRoom file = {})
      : buckets_(buckets_for(flows), Touch::kNow, file),
        shift_(64 - static_cast<unsigned>(std::countr_zero(buckets_.size()))),
        secret_(secret | 1) {
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      for (const FlowEntry& entry : buckets_[i].entries) size_ += !entry.empty();
  }
  // What it takes in a file.
  static std::size_t file_bytes(std::size_t flows) {
    return LineMemory<Bucket>::bytes_of(buckets_for(flows));
  }

  std::size_t capacity() const { return buckets_.size() * kSlotsPerBucket; }
  std::size_t size() const { return size_; }

  // Always inline: of a call whose only effect is a prefetch GCC says that it has none, and leaves it out.
  // `unknown`: the flow is hardly in the table, so that find() will look into all of the group.
  [[gnu::always_inline]] void prefetch(uint64_t hash, bool unknown) const {
    const std::size_t near = near_half(hash);
    __builtin_prefetch(&buckets_[near]);
    if (unknown) __builtin_prefetch(&buckets_[far_half(near)]);
  }

  // The entry to read or overwrite (never with an empty one), null where the flow is not known. Valid until
  // the next insert() or sweep(). An expired entry is not known.
  FlowEntry* find(const Key& key, uint64_t hash, Tick now) {
    const std::size_t near = near_half(hash);
    FlowEntry* found = find_in_half(near, key);
    if (found == nullptr) found = find_in_half(far_half(near), key);
    return found == nullptr || found->expired(now) ? nullptr : found;
  }

  // The same, passing over what is `foreign`: that says of an entry that its target is another listener's.
  // Two flows from one client's port to two addresses of ours may have one group.
  template <typename Foreign>
  FlowEntry* find_own(const Key& key, uint64_t hash, Tick now, Foreign foreign) {
    const std::size_t near = near_half(hash);
    for (const std::size_t half : {near, far_half(near)})
      for (std::size_t slot = 0; slot < kSlotsPerBucket; ++slot) {
        Bucket& bucket = buckets_[half];
        FlowEntry& entry = bucket.entries[slot];
        if (same_bytes(bucket.keys[slot], key) && !entry.expired(now) && !foreign(entry)) return &entry;
      }
    return nullptr;
  }

  // Only where they have just said that the flow is not known.
  template <typename Foreign>
  Insert insert(const Key& key, uint64_t hash, FlowEntry value, Tick now, Foreign foreign) {
    const std::size_t near = near_half(hash);
    Place best{};
    uint32_t best_worth = UINT32_MAX;
    for (const std::size_t half : {near, far_half(near)})
      for (std::size_t slot = 0; slot < kSlotsPerBucket; ++slot) {
        Bucket& bucket = buckets_[half];
        const FlowEntry entry = bucket.entries[slot];
        // An expired entry of this very flow must not stay beside its successor.
        const bool same = !entry.empty() && same_bytes(bucket.keys[slot], key) && !foreign(entry);
        const uint32_t worth = same ? 0 : 1 + worth_of(entry, now);
        if (worth < best_worth) {
          best_worth = worth;
          best = {&bucket, slot};
        }
      }
    FlowEntry& entry = best.bucket->entries[best.slot];
    const bool evicts = !entry.empty() && !entry.expired(now);
    if (entry.empty()) ++size_;
    best.bucket->keys[best.slot] = key;
    entry = value;
    return evicts ? Insert::kEvicted : Insert::kFree;
  }

  // Forgets what has expired in the next `buckets` buckets, round and round. Everything must be swept within
  // half of what a Tick can tell.
  void sweep(std::size_t buckets, Tick now) {
    for (; buckets > 0; --buckets) {
      Bucket& bucket = buckets_[sweep_at_];
      for (std::size_t slot = 0; slot < kSlotsPerBucket; ++slot)
        if (!bucket.entries[slot].empty() && bucket.entries[slot].expired(now)) {
          bucket.keys[slot] = Key{};
          bucket.entries[slot] = FlowEntry();
          --size_;
        }
      sweep_at_ = (sweep_at_ + 1) & (buckets_.size() - 1);
    }
  }
  std::size_t bucket_count() const { return buckets_.size(); }

 private:
  struct alignas(64) Bucket {
    Key keys[kSlotsPerBucket];
    FlowEntry entries[kSlotsPerBucket];
  };
  static_assert(sizeof(Bucket) == 64);
  static std::size_t buckets_for(std::size_t flows) {
    return std::bit_ceil(std::max<std::size_t>(flows * kSlotsPerFlow / kSlotsPerBucket, 4));
  }
  struct Place {
    Bucket* bucket = nullptr;
    std::size_t slot = 0;
  };

  // Without a branch.
  static bool same_bytes(const Key& a, const Key& b) {
    static_assert(sizeof(Key) % 8 == 0);
    uint64_t words_a[sizeof(Key) / 8];
    uint64_t words_b[sizeof(Key) / 8];
    std::memcpy(words_a, &a, sizeof a);
    std::memcpy(words_b, &b, sizeof b);
    uint64_t differs = 0;
    for (std::size_t i = 0; i < sizeof(Key) / 8; ++i) differs |= words_a[i] ^ words_b[i];
    return differs == 0;
  }

  // Less is given up first.
  static uint32_t worth_of(FlowEntry entry, Tick now) {
    if (entry.empty() || entry.expired(now)) return 0;
    const uint32_t youth = Tick::kMask - now.since(entry.seen());
    const uint32_t rank = entry.state() == FlowState::kEstablished ? 2
                          : entry.state() == FlowState::kNew       ? 1
                                                                   : 0;
    return 1 + (rank << Tick::kBits | youth);
  }

  // All slots, without a branch: which of them it is nobody can predict, and the line is here already. A free
  // slot's key is zero, which no flow's is.
  FlowEntry* find_in_half(std::size_t half, const Key& key) {
    Bucket& bucket = buckets_[half];
    unsigned same = 0;
#pragma GCC unroll 8
    for (std::size_t slot = 0; slot < kSlotsPerBucket; ++slot)
      same |= static_cast<unsigned>(same_bytes(bucket.keys[slot], key)) << slot;
    return same == 0 ? nullptr : &bucket.entries[std::countr_zero(same)];
  }

  std::size_t near_half(uint64_t hash) const { return hash * secret_ >> shift_; }
  static std::size_t far_half(std::size_t near) { return near ^ 1; }

  LineMemory<Bucket> buckets_;
  unsigned shift_;
  uint64_t secret_;
  std::size_t size_ = 0;
  std::size_t sweep_at_ = 0;
};

}  // namespace headgate::l4
