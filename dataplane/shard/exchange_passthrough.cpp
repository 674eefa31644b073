// SPDX-License-Identifier: Apache-2.0
// Exchange: TLS that passes through. Its ClientHello stands for the head of a request (the server name for
// the host, "/" for the path, as routes without matches say it), so routing, policies, balancing, breakers
// and queues are those of requests; then comes the tunnel that WebSockets end in. What would be an answer is
// an alert.
#include "dataplane/shard/tls_alert.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Exchange::begin_passthrough(const ParsedClientHello& parsed) {
  bench_.counters.add(Counter::kTlsPassthroughs);
  const ClientConnection& connection = client_->connection();
  server_name_ = arena_.copy(parsed.hello.server_name);
  alpn_ = alpn_text(parsed.hello.alpn, arena_);
  request_.host = *server_name_;
  request_.path = "/";
  facts_.client = connection.peer();
  facts_.client_text = connection.peer_text();
  reached_ = connection.reached();
  if (connection.is_hop()) {
    context_.listener = connection.proxied()->hop_listener;
    context_.client_port = connection.peer_port();
  }
  if (parsed.status == ParsedClientHello::Status::kPartial) {
    answer(Ending::kHeaderTimeout, 408, {});
  } else if (parsed.status == ParsedClientHello::Status::kMalformed) {
    bench_.counters.add(parsed.fault);
    answer(Ending::kMalformed, 400, name_of(parsed.fault));
  } else if (bench_.pressure.memory_is_short()) {
    answer(Ending::kOverloaded, 503, "memory_short");
  } else {
    find_route();
  }
  run();
}

void Exchange::answer_by_alert(uint16_t status) {
  status_ = 0;
  client_->queue({.data = alert_for(status), .end = true});
}

void Exchange::record_passthrough(AccessRecord& record) const {
  record.server_name = *server_name_;
  record.alpn = alpn_;
  record.protocol = "tls";
  record.pool = pool_name();
}

}  // namespace headgate::shard
