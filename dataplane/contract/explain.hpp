// SPDX-License-Identifier: Apache-2.0
// What a replica is asked about a request, and headgate-l4 about a packet, and what they answer: the bodies
// of the command "explain" (message.hpp). Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/contract/fields.hpp"
#include "dataplane/contract/policy.hpp"
#include "dataplane/contract/route_match.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/ip_address.hpp"

namespace headgate::contract {

struct RequestQuestion {
  Endpoint reached;  // the listener's address and port
  std::string head;  // as HTTP/1.1, its empty line included: it is parsed as a client's is
  // Behind the hop: the uid of another shard's listener, which counts in the place of `reached`.
  std::string hop_listener = {};

  static constexpr auto kFields =
      std::tuple{field("reached", &RequestQuestion::reached), field("head", &RequestQuestion::head),
                 field("hop_listener", &RequestQuestion::hop_listener)};
  friend bool operator==(const RequestQuestion&, const RequestQuestion&) = default;
};

// One entry of a rule's `matches`, under one hostname of its route.
struct MatchAnswer {
  std::string namespace_name;
  std::string route;
  std::string rule;      // its name, or its place in the route
  std::string hostname;  // "*.example.com"; empty: any
  PathMatchType path_type = PathMatchType::kPrefix;
  std::string path;
  bool wins = false;
  // The first condition that does not hold: "hostname", "path", "method", "header", "query"; "outranked"
  // where all hold and another match goes before; empty where it wins.
  std::string lost_by;
  std::string lost_by_name;  // of the header or query parameter

  static constexpr auto kFields = std::tuple{field("namespace", &MatchAnswer::namespace_name),
                                             field("route", &MatchAnswer::route),
                                             field("rule", &MatchAnswer::rule),
                                             field("hostname", &MatchAnswer::hostname),
                                             field("path_type", &MatchAnswer::path_type),
                                             field("path", &MatchAnswer::path),
                                             field("wins", &MatchAnswer::wins),
                                             field("lost_by", &MatchAnswer::lost_by),
                                             field("lost_by_name", &MatchAnswer::lost_by_name)};
  friend bool operator==(const MatchAnswer&, const MatchAnswer&) = default;
};

struct EndpointAnswer {
  Endpoint address;
  uint32_t weight = 1;
  uint32_t priority = 0;
  bool usable = true;
  bool drain = false;
  uint32_t ejecting_threads = 0;  // of the replica's: each decides for itself whom it passes over
  Millis ejected_for{0};          // by one of them, the longest

  static constexpr auto kFields = std::tuple{field("address", &EndpointAnswer::address),
                                             field("weight", &EndpointAnswer::weight),
                                             field("priority", &EndpointAnswer::priority),
                                             field("usable", &EndpointAnswer::usable),
                                             field("drain", &EndpointAnswer::drain),
                                             field("ejecting_threads", &EndpointAnswer::ejecting_threads),
                                             field("ejected_for", &EndpointAnswer::ejected_for)};
  friend bool operator==(const EndpointAnswer&, const EndpointAnswer&) = default;
};

// Where copies of requests go.
struct MirrorAnswer {
  std::string namespace_name;
  std::string pool;
  uint32_t percent = 0;

  static constexpr auto kFields =
      std::tuple{field("namespace", &MirrorAnswer::namespace_name), field("pool", &MirrorAnswer::pool),
                 field("percent", &MirrorAnswer::percent)};
  friend bool operator==(const MirrorAnswer&, const MirrorAnswer&) = default;
};

// One entry of the winning rule's `forward`. Without a pool it names one that is missing or not granted.
struct ForwardAnswer {
  std::string namespace_name;
  std::string pool;
  uint32_t weight = 0;
  std::vector<EndpointAnswer> endpoints;
  std::vector<MirrorAnswer> mirrors = {};
  // The shard that it passes on to, whose rules say the rest; then it has no endpoints.
  std::string hop_to = {};

  static constexpr auto kFields = std::tuple{field("namespace", &ForwardAnswer::namespace_name),
                                             field("pool", &ForwardAnswer::pool),
                                             field("weight", &ForwardAnswer::weight),
                                             field("endpoints", &ForwardAnswer::endpoints),
                                             field("mirrors", &ForwardAnswer::mirrors),
                                             field("hop_to", &ForwardAnswer::hop_to)};
  friend bool operator==(const ForwardAnswer&, const ForwardAnswer&) = default;
};

// One that stands above the winning rule.
struct PolicyAnswer {
  std::string policy;  // "namespace/name", or "name"
  PolicyMode mode = PolicyMode::kDefault;
  std::vector<PolicyBlock> counts;  // these of its blocks
  std::vector<PolicyBlock>
      gives_way;  // and these not: further in, or of a mandatory policy, there is another

  static constexpr auto kFields =
      std::tuple{field("policy", &PolicyAnswer::policy), field("mode", &PolicyAnswer::mode),
                 field("counts", &PolicyAnswer::counts), field("gives_way", &PolicyAnswer::gives_way)};
  friend bool operator==(const PolicyAnswer&, const PolicyAnswer&) = default;
};

struct RequestAnswer {
  Revision revision = 0;
  uint32_t threads = 0;  // of the replica
  std::string outcome;   // "found"; else why it is answered by ourselves, as the access log says it
  uint32_t status = 0;   // … and with what; 0 where it is found
  std::string listener;
  std::string path;  // as routed: normalised
  std::vector<MatchAnswer> matches;
  uint64_t left_out = 0;  // matches that are farther from the request than those
  std::vector<ForwardAnswer> forwards;
  std::vector<PolicyAnswer> policies;  // outermost first
  std::vector<MirrorAnswer> mirrors;   // the rule's, whichever entry is chosen

  static constexpr auto kFields =
      std::tuple{field("revision", &RequestAnswer::revision), field("threads", &RequestAnswer::threads),
                 field("outcome", &RequestAnswer::outcome),   field("status", &RequestAnswer::status),
                 field("listener", &RequestAnswer::listener), field("path", &RequestAnswer::path),
                 field("matches", &RequestAnswer::matches),   field("left_out", &RequestAnswer::left_out),
                 field("forwards", &RequestAnswer::forwards), field("policies", &RequestAnswer::policies),
                 field("mirrors", &RequestAnswer::mirrors)};
  friend bool operator==(const RequestAnswer&, const RequestAnswer&) = default;
};

// A packet that a client sends to a listener.
struct PacketQuestion {
  Endpoint client;
  Endpoint reached;
  Protocol protocol = Protocol::kTcp;  // kTcp or kUdp only

  static constexpr auto kFields =
      std::tuple{field("client", &PacketQuestion::client), field("reached", &PacketQuestion::reached),
                 field("protocol", &PacketQuestion::protocol)};
  friend bool operator==(const PacketQuestion&, const PacketQuestion&) = default;
};

struct TargetAnswer {
  std::string name;
  Endpoint address;
  uint32_t weight = 1;
  bool usable = false;  // not proved down, and where it is another machine a neighbour leads to it
  bool drain = false;
  std::string next_hop = {};  // the neighbour's MAC address; empty for a replica, or where none is known

  static constexpr auto kFields =
      std::tuple{field("name", &TargetAnswer::name),     field("address", &TargetAnswer::address),
                 field("weight", &TargetAnswer::weight), field("usable", &TargetAnswer::usable),
                 field("drain", &TargetAnswer::drain),   field("next_hop", &TargetAnswer::next_hop)};
  friend bool operator==(const TargetAnswer&, const TargetAnswer&) = default;
};

struct PacketAnswer {
  Revision revision = 0;
  std::string
      outcome;  // "forwarded"; "to_host": no listener is there; else as l4 counts the drop: "no_target"
  Forwarding forwarding = Forwarding::kLocal;
  std::string target = {};  // TargetAnswer::name; empty where none is chosen
  // "flow_table": a worker remembers the flow; "maglev": where it would begin; "stepped_around": the same,
  // past targets that are not usable; empty where none is chosen.
  std::string chosen_by = {};
  std::vector<TargetAnswer> targets = {};  // all of the listener's

  static constexpr auto kFields =
      std::tuple{field("revision", &PacketAnswer::revision),     field("outcome", &PacketAnswer::outcome),
                 field("forwarding", &PacketAnswer::forwarding), field("target", &PacketAnswer::target),
                 field("chosen_by", &PacketAnswer::chosen_by),   field("targets", &PacketAnswer::targets)};
  friend bool operator==(const PacketAnswer&, const PacketAnswer&) = default;
};

}  // namespace headgate::contract
