// SPDX-License-Identifier: Apache-2.0
// L4Snapshot: builds what l4 is told, fluently: listeners with local targets, as the compiler makes them.
//
//   L4Snapshot(7).listener("192.0.2.100:80").target(1, "edge/0", "198.19.255.1:2000").build()
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/contract/snapshot.hpp"

namespace headgate::test {

class L4Snapshot {
 public:
  explicit L4Snapshot(contract::Revision revision) : revision_(revision) {}

  L4Snapshot& listener(std::string_view endpoint) {
    const auto parsed = *Endpoint::parse(endpoint);
    listeners_.push_back({.address = parsed.address, .port = parsed.port, .targets = {}});
    return *this;
  }
  // The listener named last ends on this pool; its targets are other machines.
  L4Snapshot& forwarded(std::string pool, contract::Forwarding forwarding = contract::Forwarding::kDsr) {
    last().pool = std::move(pool);
    last().forwarding = forwarding;
    return *this;
  }
  L4Snapshot& udp() { return last().protocol = contract::Protocol::kUdp, *this; }
  // Of the listener named last.
  L4Snapshot& target(uint32_t id, std::string name, std::string_view endpoint, uint32_t weight = 1,
                     bool drain = false) {
    const auto parsed = *Endpoint::parse(endpoint);
    listeners_.back().targets.push_back({id, std::move(name), parsed.address, parsed.port, weight, drain});
    return *this;
  }
  // `count` targets "edge/0"… with ids from first_id and ports from first_port.
  L4Snapshot& targets(uint32_t count, uint32_t first_id, std::string_view address, uint16_t first_port) {
    for (uint32_t i = 0; i < count; ++i)
      listeners_.back().targets.push_back({first_id + i, "edge/" + std::to_string(i),
                                           *IpAddress::parse(address), static_cast<uint16_t>(first_port + i),
                                           1, false});
    return *this;
  }
  contract::L4Listener& last() { return listeners_.back(); }

  contract::Snapshot build() const {
    contract::Snapshot snapshot{.revision = revision_, .objects = {}};
    for (std::size_t i = 0; i < listeners_.size(); ++i)
      snapshot.objects[{std::string(contract::kAudienceL4), contract::Kind::kL4Listener,
                        "tcp/" + Endpoint{listeners_[i].address, listeners_[i].port}.to_string() + "#" +
                            std::to_string(i)}] = std::make_shared<const contract::Object>(listeners_[i]);
    return snapshot;
  }

 private:
  contract::Revision revision_;
  std::vector<contract::L4Listener> listeners_;
};

}  // namespace headgate::test
