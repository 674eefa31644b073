// SPDX-License-Identifier: Apache-2.0
// Snapshot: all that one node must know, at a revision. Delta: what changes between two. Both hold the same
// frozen objects by shared pointer, so a change of one route of 100,000 copies pointers' tree nodes of that
// route only. Thread: the control thread of whichever process; an Object itself is const and may be read by
// any.
//
// Law (a property test holds it): apply(snapshot at base, diff(base, next)) == next.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/objects.hpp"
#include "dataplane/core/result.hpp"

namespace headgate::contract {

using Revision = uint64_t;  // 0: nothing is known yet

// Which process of a node an object is for: "node", "l4" or "shard/NAME". The same resource compiled for two
// shards is two objects.
inline constexpr std::string_view kAudienceNode = "node";
inline constexpr std::string_view kAudienceL4 = "l4";
std::string audience_of_shard(std::string_view shard);
// The shard's name of "shard/NAME"; empty for the others.
std::string_view shard_of_audience(std::string_view audience);

struct ObjectKey {
  std::string audience;
  Kind kind = Kind::kNodeSettings;
  std::string
      id;  // the resource's uid, or "tcp/192.0.2.1:80" for an L4Listener; unique within (audience, kind)

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

using ObjectPtr = std::shared_ptr<const Object>;

struct Snapshot {
  Revision revision = 0;
  std::map<ObjectKey, ObjectPtr> objects;
};
bool operator==(const Snapshot& a, const Snapshot& b);  // by value of the objects

struct Upsert {
  ObjectKey key;
  ObjectPtr object;  // never null; its kind is key.kind
};

struct Delta {
  Revision base = 0;  // 0: a full snapshot, whatever was known before is forgotten
  Revision revision = 0;
  std::vector<Upsert> upserts;
  std::vector<ObjectKey> removals;

  bool empty() const { return upserts.empty() && removals.empty(); }
};

Delta diff(const Snapshot& base, const Snapshot& next);
Delta full(const Snapshot& snapshot);  // base 0
// kConflict where it can't be applied to what is held at that revision: ask for a full one.
Result<void> check_base(Revision held, const Delta& delta);
// The same, else all of it.
Result<void> apply(Snapshot& snapshot, const Delta& delta);
// What of it concerns one audience; base and revision stay.
Delta filter(const Delta& delta, std::string_view audience);
Snapshot filter(const Snapshot& snapshot, std::string_view audience);

}  // namespace headgate::contract
