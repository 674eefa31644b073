// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/stream_probe.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dataplane/node/health/http_probe.hpp"
#include "dataplane/node/socket_address.hpp"

namespace headgate::node {

namespace {

// LOCAL of version 2; version 1 has only UNKNOWN for it (sections 2.1 and 2.2 of the protocol's document).
constexpr std::string_view kProxyV1 = "PROXY UNKNOWN\r\n";
constexpr std::string_view kProxyV2("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

std::string_view proxy_header(const ProbeTarget& target) {
  if (!target.proxy_protocol) return {};
  return *target.proxy_protocol == contract::ProxyVersion::kV1 ? kProxyV1 : kProxyV2;
}

}  // namespace

StreamProbe::StreamProbe(EventLoop& loop, const ProbeTarget& target, const ContextPtr& tls, OnDone on_done)
    : Probe(loop, target, std::move(on_done)), tls_(tls) {
  const auto address = SocketAddress::of(target.endpoint);
  socket_.reset(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  // Closed by a reset: a thousand probes a second must not leave a thousand ports in TIME_WAIT.
  const linger reset{1, 0};
  const bool begun =
      socket_ && ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0 &&
      (::connect(socket_.get(), address.get(), address.size_bytes()) == 0 || errno == EINPROGRESS);
  if (begun)
    await(EPOLLOUT, [this](uint32_t events) { on_ready(events); });
  else
    fail_soon(errno);
}

void StreamProbe::on_ready(uint32_t epoll_events) {
  if (!connected_) return on_connected();
  if (!session_) return outbox_.empty() ? receive_answer() : send_request();
  session_.note_socket(epoll_events & ~EPOLLOUT, epoll_events & ~EPOLLIN, false);
  exchange_over_tls();
}

void StreamProbe::on_connected() {
  int errno_value = 0;
  socklen_t length_bytes = sizeof errno_value;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &errno_value, &length_bytes);
  if (errno_value != 0) return fail(errno_value);
  connected_ = true;
  using contract::HealthCheckType;
  const auto type = target_.check.type;
  if (type != HealthCheckType::kHttp && !send_proxy_header()) return fail(errno);
  if (type == HealthCheckType::kTcp) return end({true, ""});
  outbox_ = probe_request(target_.check, target_.member);
  if (type == HealthCheckType::kHttp) {
    outbox_.insert(0, proxy_header(target_));  // in one segment
    return send_request();
  }
  if (tls_) session_ = tls::Session::connect(tls_, socket_.get(), target_.tls_name, {});
  if (!session_) return end({false, "TLS can't be spoken here"});
  exchange_over_tls();
}

// Whole: a connection that is new has room for so much.
bool StreamProbe::send_proxy_header() {
  const auto header = proxy_header(target_);
  if (header.empty()) return true;
  const ssize_t sent = ::send(socket_.get(), header.data(), header.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(header.size());
}

void StreamProbe::exchange_over_tls() {
  using Status = tls::Session::Status;
  if (!shook_hands_) {
    const auto handshake = session_.handshake();
    if (handshake.status != Status::kOk) return wait_for_tls(handshake.status);
    shook_hands_ = true;
  }
  while (!outbox_.empty()) {
    const auto sent = session_.write(outbox_, false);
    if (sent.status != Status::kOk) return wait_for_tls(sent.status);
    outbox_.erase(0, sent.bytes);
  }
  std::array<char, 1024> buffer;
  const auto got = session_.read(buffer);
  if (got.status != Status::kOk) return wait_for_tls(got.status);
  watch_.change(EPOLLIN);
  take_answer({buffer.data(), got.bytes});
}

void StreamProbe::wait_for_tls(tls::Session::Status status) {
  switch (status) {
    case tls::Session::Status::kOk:
      return;
    case tls::Session::Status::kWantsRead:
      return watch_.change(EPOLLIN);
    case tls::Session::Status::kWantsWrite:
      return watch_.change(EPOLLOUT);
    case tls::Session::Status::kEnd:
      return end({false, "it closed the connection without an answer"});
    case tls::Session::Status::kFailed:
      break;
  }
  end({false, "TLS failed: " + std::string(tls::name_of(session_.failure()))});
}

void StreamProbe::send_request() {
  const ssize_t sent = ::send(socket_.get(), outbox_.data(), outbox_.size(), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) return fail(errno);
  outbox_.erase(0, static_cast<std::size_t>(sent));
  if (outbox_.empty()) watch_.change(EPOLLIN);
}

void StreamProbe::receive_answer() {
  std::array<char, 1024> buffer;
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return fail(errno);
  if (got == 0) return end({false, "it closed the connection without an answer"});
  take_answer({buffer.data(), static_cast<std::size_t>(got)});
}

// Complete after thirteen bytes at the latest, so the inbox is bounded by one read more.
void StreamProbe::take_answer(std::string_view bytes) {
  inbox_.append(bytes);
  auto answer = judge_answer(inbox_, target_.check.expected);
  if (answer.complete) end({answer.good, std::move(answer.reason)});
}

}  // namespace headgate::node
