// SPDX-License-Identifier: Apache-2.0
// ClientConnection: whether its TLS ends here or passes through, by its ClientHello.
#include <cerrno>

#include <sys/socket.h>

#include "dataplane/shard/client_hello.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void ClientConnection::await_client_hello() {
  phase_ = Phase::kClientHello;
  bench_.loop.arm(*this, bench_.tables->settings->handshake_timeout);
  read_client_hello();
}

// Looked at until it is whole, and left in the socket: whoever reads it, OpenSSL or the backend, gets all of
// it.
void ClientConnection::read_client_hello() {
  const BlockPtr seen = bench_.blocks.take(limits::kClientHelloBytesMax);
  const ssize_t got = ::recv(stream_.fd(), seen->bytes.get(), limits::kClientHelloBytesMax, MSG_PEEK);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return close();
  const auto hello = parse_client_hello({seen->bytes.get(), static_cast<std::size_t>(got)});
  if (hello.status == ParsedClientHello::Status::kPartial)
    return stream_.ending() ? close() : void();  // the next byte has an edge of its own
  // Over the hop it was decided in the first tier.
  if (hello.status == ParsedClientHello::Status::kWhole && !hop_) {
    const auto* listener = bench_.tables->router.listener(reached_, hello.hello.server_name);
    const bool passes = listener && listener->object->protocol == contract::Protocol::kTls;
    if (auto door = passes ? nullptr : bench_.tls->door(reached_)) return start_handshake(std::move(door));
  }
  pass_through(hello);
}

void ClientConnection::pass_through(const ParsedClientHello& hello) {
  phase_ = Phase::kExchange;
  exchange_ = &bench_.exchanges.take(bench_);
  auto& leg = bench_.passthrough_legs.take(bench_);
  leg.open(*this);
  exchange_->open(leg);
  exchange_->begin_passthrough(hello);
}

}  // namespace headgate::shard
