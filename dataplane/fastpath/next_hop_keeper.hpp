// SPDX-License-Identifier: Apache-2.0
// NextHopKeeper: finds for each target on another machine the neighbour that its frames go to, by the
// kernel's routes and by ARP and ND on the kernel's side of the host port, and follows what changes there.
// The kernel is asked to keep those neighbours known as long as there are targets behind them. Where answers
// of targets pass us on their way to clients, it makes tables of all those routes and neighbours as well.
// Thread: control; workers read next_hops() alone. Outlives the workers.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/l4/forward/next_hops.hpp"
#include "dataplane/l4/forward/route_table.hpp"
#include "dataplane/l4/l4_table.hpp"
#include "dataplane/l4/token_bucket.hpp"
#include "dataplane/netlink/neighbours.hpp"
#include "dataplane/netlink/routes.hpp"

namespace headgate::fastpath {

class NextHopKeeper {
 public:
  using StaticNeighbours = std::vector<std::pair<IpAddress, MacAddress>>;

  // By a kernel: `host_link` is its end of the host port, "hg0", which may come later.
  static Result<NextHopKeeper> open(std::string host_link, const MacAddress& uplink_mac);
  // Without one, for offline runs and benches: all targets are neighbours, and these are known; so are
  // clients, but where `gateway` leads to all others.
  explicit NextHopKeeper(const StaticNeighbours& neighbours, const l4::Surroundings& surroundings = {},
                         const std::optional<IpAddress>& gateway = std::nullopt);

  // Whether an answer by fullnat may come to a worker that does not know its flow.
  void answers_may_come_to_others(bool they_may) { surroundings_.answers_may_come_to_others = they_may; }

  // What tables are built by. True of on_events() where they have changed too.
  const l4::Surroundings& surroundings() const { return surroundings_; }
  // Readable: on_events(). -1: there are none.
  int fd() const { return events_ ? events_->fd() : -1; }
  // The targets of the table that workers get next.
  void follow(const l4::L4Table& table, TimePoint now);
  // True where a next hop has changed, come or gone.
  bool on_events(TimePoint now);

  const l4::NextHops& next_hops() const { return *next_hops_; }
  // What workers find clients by, where it is another than when this was last called; else null.
  std::unique_ptr<const l4::RouteTable> take_routes();
  // A client's packet could not be sent to this neighbour of the host link.
  void want_neighbour(const IpAddress& address, TimePoint now);
  // Whether the kernel may still learn of a neighbour that it was asked for not long ago.
  bool is_resolving(TimePoint now) const;

 private:
  enum class Reach : uint8_t {
    kNeighbour,  // gets packets for the VIP, which no gateway would send on to it
    kRouted,     // gets them to its own address
    kFromHere,   // and from one of ours
  };
  struct Place {
    IpAddress address;
    Reach reach = Reach::kNeighbour;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  static Reach reach_of(contract::Forwarding forwarding);
  static std::string fault_of(const std::optional<netlink::Way>& way, int host_link_index,
                              const std::string& host_link, Reach reach);
  struct Destination {
    std::vector<uint32_t> targets;  // their ids
    std::optional<IpAddress> neighbour;
    std::optional<MacAddress> mac;
    std::string fault;  // why there is no way to it; has been logged
    TimePoint wanted_since{};
  };
  using Destinations = std::map<Place, Destination>;

  NextHopKeeper(netlink::Socket requests, netlink::Socket events, std::string host_link,
                const MacAddress& uplink_mac);
  void look_at_everything();
  void find_host_link();
  void find_neighbour(const Place& place, Destination& destination);
  void look_at_routes();
  void want_routes(bool wanted);
  std::string find_source(const IpAddress& destination, const netlink::Way& way);
  void take(const netlink::Neighbour& neighbour);
  bool publish(const Place& place, Destination& destination);
  bool publish_all();
  void ask_for(const IpAddress& neighbour);
  void forget_unused();

  std::optional<netlink::Socket> requests_;
  std::optional<netlink::Socket> events_;
  std::string host_link_;
  int host_link_index_ = 0;
  l4::Surroundings surroundings_;
  Destinations destinations_;
  std::set<uint32_t> served_;  // the targets that may have a next hop, by id
  struct Known {
    MacAddress mac{};
    bool fixed = false;  // is not asked for
  };
  std::map<IpAddress, Known> known_;  // usable neighbours on the host link
  std::set<IpAddress> vips_;          // never a tunnel's source: the backends have them as well
  std::set<IpAddress> kept_;          // that the kernel keeps for us
  std::set<IpAddress> gateways_;      // of the routes, where they are wanted
  bool wants_routes_ = false;         // some target's answers pass us
  std::shared_ptr<const l4::Routes> routes_ = std::make_shared<const l4::Routes>();
  bool routes_changed_ = false;  // or a neighbour
  l4::TokenBucket questions_left_{limits::kNeighbourQuestionsPpsMax};
  std::unique_ptr<l4::NextHops> next_hops_ = std::make_unique<l4::NextHops>();
};

}  // namespace headgate::fastpath
