// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/server.hpp"

#include <thread>

#include <fmt/format.h>
#include <netinet/in.h>
#include <pistache/listener.h>
#include <sys/socket.h>

#include "dataplane/core/clock.hpp"
#include "mgmt/http/exchange_handler.hpp"
#include "mgmt/http/exchange_transport.hpp"
#include "mgmt/http/port_holder.hpp"

namespace headgate::http {

struct Server::State {
  std::shared_ptr<Shared> shared;
  Pistache::Tcp::Listener listener;
  Endpoint address;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { state_->listener.shutdown(); }

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler) {
  if (!options.listen.address.is_loopback())
    return Error{
        ErrorCode::kInvalid,
        fmt::format("{} is no loopback address. headgated answers on this machine only; to reach it from "
                    "others, put a headgate-shard in front of it.",
                    options.listen.address.to_string())};
  auto state = std::make_unique<State>();
  state->shared = std::make_shared<Shared>();
  state->shared->options = options;
  state->shared->handler = std::move(handler);
  const auto pistache_handler = std::make_shared<ExchangeHandler>(state->shared);
  using Pistache::Tcp::Options;
  state->listener.init(options.threads,
                       Pistache::Flags<Options>(Options::ReuseAddr) | Options::NoDelay | Options::CloseOnExec,
                       "headgated-http");
  state->listener.setHandler(pistache_handler);
  state->listener.setTransportFactory([pistache_handler, shared = state->shared] {
    return std::make_shared<ExchangeTransport>(pistache_handler, shared);
  });
  try {
    const auto host = options.listen.address.to_string();
    const Pistache::Address address(options.listen.address.is_v6() ? "[" + host + "]" : host,
                                    Pistache::Port(options.listen.port));
    state->listener.bind(address);
    state->address = {options.listen.address, static_cast<uint16_t>(state->listener.getPort())};
    state->listener.runThreaded();
  } catch (const std::exception& fault) {
    const auto holder = holder_of_port(options.listen);
    if (holder.empty())
      return Error{ErrorCode::kUnavailable,
                   fmt::format("listening on {}: {}", options.listen.to_string(), fault.what())};
    return Error{ErrorCode::kConflict,
                 fmt::format("{} is in use by {}. End it, or choose another port with --listen.",
                             options.listen.to_string(), holder)};
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Endpoint Server::address() const { return state_->address; }

void Server::drain(std::chrono::milliseconds timeout) {
  using namespace std::chrono_literals;
  state_->shared->draining.store(true, std::memory_order_relaxed);
  const auto deadline = monotonic_now() + timeout;
  while (state_->shared->exchanges.load(std::memory_order_relaxed) > 0 && monotonic_now() < deadline)
    std::this_thread::sleep_for(5ms);
}

}  // namespace headgate::http
