// SPDX-License-Identifier: Apache-2.0
// Router: which listener a request reaches and which rule of which route it gets there, by HTTP.md's
// precedence. Immutable; a revision's Router shares with the one before all that the delta leaves alone, so
// one route of 100,000 costs microseconds. Threads: with() and freeing the control thread; look-ups any,
// while they may use the table that holds it; what they return lives as long as the Router, or as its pin.
//
// A look-up's cost depends on the request and on how many lengths wildcards and prefixes have, not on how
// many routes there are (host_table.hpp, path_table.hpp, which says what expressions cost). It allocates
// nothing. Which rules lost, and why: explain.hpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/l7/compiled_route.hpp"
#include "dataplane/l7/host_table.hpp"
#include "dataplane/l7/outcome.hpp"
#include "dataplane/l7/path_table.hpp"

namespace headgate::l7 {

// A listener and the rules attached to it.
struct RoutedListener {
  std::string uid;
  std::shared_ptr<const contract::Listener> object;  // null: routes name it, but it is not (yet) here
  std::optional<HostPattern> hostname;               // nullopt: serves nobody
  policy::PolicyListPtr policies;                    // null: none stands above it
  HostTable<PathTable> hosts;

  std::string_view key() const { return uid; }
};

struct RouteMatch {
  Outcome outcome = Outcome::kNoRule;    // kFound, kNoListener or kNoRule
  const RoutePlan* plan = nullptr;       // where kFound
  const CompiledMatch* match = nullptr;  // where kFound: which entry of `matches` held
};

enum class PeerTrust : uint8_t {
  kNone,         // a client
  kForwards,     // one of trusted_proxies: speaks for many clients
  kSpeaksProxy,  // as well, and each of its connections begins with a PROXY header
};

class Router {
 public:
  // What routing needs of a delta; other kinds are passed over. A base of 0 forgets what was there.
  [[nodiscard]] Router with(const contract::Delta& delta, const PlanMaker& maker) const;

  // By address and port that the client reached, then by hostname; null: none serves it.
  const RoutedListener* listener(const Endpoint& reached, std::string_view host) const;

  // Where listener() is null: kNoListener where there are others, kListenerGone where there is none.
  Outcome without_listener(const Endpoint& reached) const;

  // What the listeners of that address and port believe of a peer.
  PeerTrust trust_of(const Endpoint& reached, const IpAddress& peer) const;

  // Whether TLS of some of its hostnames is passed through: then a client's ClientHello tells which listener.
  bool passes_tls(const Endpoint& reached) const;

  // The copy of another shard's listener that the hop leads to; null: none is.
  const RoutedListener* hop_listener(std::string_view uid) const;

  // Among the rules attached to that listener. The request's path is normal.
  [[nodiscard]] static RouteMatch match(const RoutedListener& listener, const RequestHead& request);

  std::size_t routes() const { return routes_.size(); }

 private:
  // The listeners of one address and port.
  struct Reached {
    std::string endpoint;
    std::vector<std::shared_ptr<const RoutedListener>> all;       // sorted by name: the first wins a hostname
    std::vector<std::shared_ptr<const RoutedListener>> trusting;  // of these, whoever has trusted_proxies
    HostTable<std::shared_ptr<const RoutedListener>> by_hostname;
    bool passes_tls = false;  // one of them does
    std::string_view key() const { return endpoint; }
    void replace(const std::vector<std::shared_ptr<const RoutedListener>>& gone,
                 const std::vector<std::shared_ptr<const RoutedListener>>& come);
  };
  struct Edit;
  struct ListenerChange;

  std::vector<Edit> change_routes(const contract::Delta& delta, const Router& previous,
                                  const PlanMaker& maker);
  std::vector<ListenerChange> change_listeners(const contract::Delta& delta, std::vector<Edit> edits,
                                               const PlanMaker& maker);
  static HostTable<PathTable> with_edits(const HostTable<PathTable>& hosts, std::span<const Edit> edits);
  void change_reached(const std::vector<ListenerChange>& changes);

  SharedMap<CompiledRoute> routes_;      // by uid; control thread only
  SharedMap<RoutedListener> listeners_;  // by uid
  SharedMap<Reached> reached_;
};

}  // namespace headgate::l7
