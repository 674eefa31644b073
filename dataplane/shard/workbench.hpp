// SPDX-License-Identifier: Apache-2.0
// Workbench: what all connections and exchanges of one thread work with. A plain struct of the thread's
// parts; ShardThread owns it and everything in it. Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "dataplane/l7/tables.hpp"
#include "dataplane/shard/access_log.hpp"
#include "dataplane/shard/block.hpp"
#include "dataplane/shard/client_connection.hpp"
#include "dataplane/shard/compressor.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/event_loop.hpp"
#include "dataplane/shard/exchange.hpp"
#include "dataplane/shard/handshake_queue.hpp"
#include "dataplane/shard/hop_access.hpp"
#include "dataplane/shard/http1/client_leg.hpp"
#include "dataplane/shard/http2/client_leg.hpp"
#include "dataplane/shard/http2/server_session.hpp"
#include "dataplane/shard/mirror.hpp"
#include "dataplane/shard/passthrough_leg.hpp"
#include "dataplane/shard/pipe.hpp"
#include "dataplane/shard/pressure.hpp"
#include "dataplane/shard/slab.hpp"
#include "dataplane/shard/span_buffer.hpp"
#include "dataplane/shard/tls_table.hpp"
#include "dataplane/shard/traffic_counters.hpp"
#include "dataplane/shard/upstream_pool.hpp"
#include "dataplane/shard/upstream_queue.hpp"
#include "dataplane/shard/wall_clock.hpp"

namespace headgate::shard {

// xoshiro256**: request ids must not collide; they are no secrets.
class RandomBits {
 public:
  RandomBits();  // seeded by the kernel
  uint64_t next();

 private:
  std::array<uint64_t, 4> state_;
};

struct Workbench {
  Workbench(EventLoop& event_loop, l7::ThreadState thread_state, ThreadCounters& thread_counters,
            TrafficCounters& traffic_counters, AccessLogBuffer& log, SpanBuffer& span_buffer,
            const HopAccess& hop_access, Pressure& process_pressure)
      : loop(event_loop),
        state(thread_state),
        counters(thread_counters),
        traffic(traffic_counters),
        access_log(log),
        spans(span_buffer),
        hop(hop_access),
        pressure(process_pressure),
        handshakes(event_loop),
        queue(event_loop, thread_state.pools),
        upstreams(event_loop, thread_counters, thread_state, blocks, queue, hop_access) {}

  EventLoop& loop;
  l7::ThreadState state;
  ThreadCounters& counters;
  TrafficCounters& traffic;
  AccessLogBuffer& access_log;
  SpanBuffer& spans;
  const HopAccess& hop;
  Pressure& pressure;
  const l7::Tables* tables = nullptr;  // of this turn; never stored beyond it
  const TlsTable* tls = nullptr;       // as well
  BlockPool blocks;
  BufferBudget buffers;
  CompressorPool compressors;
  PipePool pipes;
  RandomBits random;
  WallClock clock;
  bool draining = false;
  HandshakeQueue handshakes;
  UpstreamQueue queue;
  UpstreamPool upstreams;
  Slab<Mirror> mirrors;
  Slab<Exchange> exchanges;
  std::deque<Exchange*> parked;  // over the hop, until new tables know their route
  Slab<Http1ClientLeg> http1_legs;
  Slab<Http2ClientLeg> http2_client_legs;
  Slab<PassthroughLeg> passthrough_legs;
  Slab<http2::ServerSession> http2_sessions;
  Slab<ClientConnection> clients;
};

}  // namespace headgate::shard
