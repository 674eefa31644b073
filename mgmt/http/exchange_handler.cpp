// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/exchange_handler.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include "mgmt/http/request_head.hpp"

namespace headgate::http {

using Pistache::Http::Private::State;
using Pistache::Tcp::Peer;

void ExchangeHandler::onConnection(const std::shared_ptr<Peer>& peer) {
  peer->putData(kConnectionData, std::make_shared<Connection>(
                                     limits::kApiBodyBytesMax + limits::kApiHeadBytesMax, monotonic_now()));
  if (shared_->connections.fetch_add(1, std::memory_order_relaxed) >= limits::kApiConnectionsMax)
    refuse(peer, {503, "Too many connections to the API are open.", {}, {}});
}

void ExchangeHandler::onDisconnection(const std::shared_ptr<Peer>& peer) {
  own_transport().outlive_acceptor(peer);
  if (const auto departure = std::exchange(connection_of(*peer).departure, nullptr)) departure->happen();
  shared_->connections.fetch_sub(1, std::memory_order_relaxed);
}

void ExchangeHandler::onInput(const char* bytes, std::size_t length_bytes,
                              const std::shared_ptr<Peer>& peer) {
  auto& connection = connection_of(*peer);
  if (connection.state == Connection::State::kClosing) return;
  if (connection.state == Connection::State::kAnswering) {
    connection.form.close = true;  // pipelining is not spoken here: answer what was asked first, then end
    return;
  }
  if (connection.received_bytes == 0) connection.since = monotonic_now();
  connection.received_bytes += length_bytes;

  auto& parser = connection.parser;
  auto state = State::Again;
  std::string fault;
  if (!parser.feed(bytes, length_bytes)) return refuse(peer, {413, "The request is too large.", {}, {}});
  try {
    state = parser.parse();
  } catch (const std::exception& exception) {
    fault = exception.what();
  }
  const bool head_is_complete = parser.step()->id() == Pistache::Http::Private::BodyStep::Id;
  if (head_is_complete) {
    const auto problem = problem_of_head(parser.request, shared_->options);
    if (problem) return refuse(peer, *problem);
  } else if (connection.received_bytes > limits::kApiHeadBytesMax) {
    return refuse(peer,
                  {431,
                   fmt::format("The request's line and headers are over {} bytes.", limits::kApiHeadBytesMax),
                   {},
                   {}});
  }
  if (!fault.empty())
    return refuse(peer, {400, fmt::format("This is no well-formed HTTP/1.1 request: {}.", fault), {}, {}});
  if (state == State::Done) return hand_over(peer);
  if (head_is_complete && !connection.continue_sent && expects_continue(parser.request)) {
    connection.continue_sent = true;
    own_transport().write(peer, "HTTP/1.1 100 Continue\r\n\r\n", [] {});
  }
}

void ExchangeHandler::refuse(const std::shared_ptr<Peer>& peer, const Problem& problem) {
  connection_of(*peer).form.close = true;
  own_transport().answer(peer, to_response(problem));
}

void ExchangeHandler::hand_over(const std::shared_ptr<Peer>& peer) {
  auto& connection = connection_of(*peer);
  const auto& parsed = connection.parser.request;
  connection.form = {parsed.method() == Pistache::Http::Method::Head, !keeps_alive(parsed)};
  if (shared_->draining.load(std::memory_order_relaxed))
    return refuse(peer, {503, "headgated is stopping.", {}, {}});
  if (shared_->exchanges.load(std::memory_order_relaxed) >= limits::kApiExchangesMax)
    return refuse(peer, {503, "Too many requests wait for an answer.", {}, {}});
  auto request = to_request(parsed);
  if (!request) return refuse(peer, {400, "The target has a malformed percent-encoding.", {}, {}});

  connection.state = Connection::State::kAnswering;
  connection.departure = request->departure;
  shared_->exchanges.fetch_add(1, std::memory_order_relaxed);
  auto is_answered = std::make_shared<std::atomic<bool>>(false);
  shared_->handler(std::move(*request), [outbox = own_transport().outbox(), name = name_of(*peer),
                                         is_answered](Response response) {
    if (!is_answered->exchange(true)) outbox->put({name, std::move(response)});
  });
}

}  // namespace headgate::http
