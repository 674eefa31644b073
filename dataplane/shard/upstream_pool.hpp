// SPDX-License-Identifier: Apache-2.0
// UpstreamPool: the connections of one thread to all endpoints; opens, lends, takes back, closes. An idle one
// that the backend closes, or speaks on unasked, goes at once, so that a stale one is the rare race and not
// the rule. Last in, first out: what is not needed ages out. To an endpoint that speaks HTTP/2 exchanges
// share sessions, also while those connect. Thread: one.
#pragma once

#include <vector>

#include "dataplane/l7/tables.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/hop_access.hpp"
#include "dataplane/shard/http2/client_session.hpp"
#include "dataplane/shard/http2/upstream_leg.hpp"
#include "dataplane/shard/slab.hpp"
#include "dataplane/shard/tls_table.hpp"
#include "dataplane/shard/upstream_connection.hpp"
#include "dataplane/shard/upstream_queue.hpp"

namespace headgate::shard {

class UpstreamPool {
 public:
  UpstreamPool(EventLoop& loop, ThreadCounters& counters, l7::ThreadState state, BlockPool& blocks,
               UpstreamQueue& queue, const HopAccess& hop)
      : loop_(loop), counters_(counters), state_(state), blocks_(blocks), queue_(queue), hop_(hop) {}

  EventLoop& loop() { return loop_; }
  BlockPool& blocks() { return blocks_; }
  ThreadCounters& counters() { return counters_; }
  UpstreamTickets& tickets() { return tickets_; }

  using Opening = UpstreamSocket::Opening;
  // For `user` until it finishes or aborts the leg. Null where none idles, or no session has room.
  // `opening` is how a connection to the endpoint is to begin now: one that began otherwise is of no use.
  UpstreamLeg* take_idle(const l7::PoolEndpoint& endpoint, const Opening& opening, UpstreamUser& user);
  // Connecting; the user is told. Null where it failed at once.
  UpstreamLeg* connect(const l7::PoolEndpoint& endpoint, const Opening& opening, UpstreamUser& user,
                       const ConnectionRules& rules);
  // connect() would open no connection of its own: one that is being opened has room.
  bool can_join(const l7::PoolEndpoint& endpoint, const Opening& opening);

  // --- by the connection's leg
  // The exchange is over and the connection clean: the next one may have it.
  void release(UpstreamConnection& connection);
  void close(UpstreamConnection& connection);
  // Makes room for a connection to another endpoint of the pool, or for another client. False: none of its
  // connections idles, or one that was shared has to end first.
  bool close_one_idle(const l7::ServingPool& pool);

  // --- by sessions and their legs
  Http2UpstreamLeg& take_leg() { return http2_legs_.take(*this); }
  void give(Http2UpstreamLeg& leg) { http2_legs_.give(leg); }
  void give(http2::ClientSession& session) { sessions_.give(session); }
  void remove(http2::ClientSession& session);
  void freed(const l7::PoolEndpoint& endpoint);  // a stream has ended: its session has room

  // New tables: connections to what they no longer serve are of no use.
  void close_unserved(const l7::PoolTable& pools, const TlsTable& tls);
  void close_idle();

 private:
  friend class UpstreamConnection;
  UniqueFd connect_to(const l7::PoolEndpoint& endpoint) const;
  void remove_idle(UpstreamConnection& connection);
  UpstreamConnection* find_idle(const l7::PoolEndpoint& endpoint, const Opening& opening);
  http2::ClientSession* find_session(const l7::PoolEndpoint& endpoint, const Opening& opening,
                                     http2::ClientSession::Phase phase);
  UpstreamLeg* connect_session(const l7::PoolEndpoint& endpoint, const Opening& opening, UpstreamUser& user,
                               UniqueFd socket);
  template <typename Predicate>
  void close_sessions(Predicate&& of_no_use);

  EventLoop& loop_;
  ThreadCounters& counters_;
  l7::ThreadState state_;
  BlockPool& blocks_;
  UpstreamQueue& queue_;
  const HopAccess& hop_;
  UpstreamTickets tickets_;
  Slab<UpstreamConnection> connections_;
  std::vector<std::vector<UpstreamConnection*>> idle_by_slot_;
  Slab<http2::ClientSession> sessions_;
  Slab<Http2UpstreamLeg> http2_legs_;
  std::vector<std::vector<http2::ClientSession*>> sessions_by_slot_;
};

}  // namespace headgate::shard
