// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/probe.hpp"

#include <system_error>
#include <utility>

#include "dataplane/node/health/echo_probe.hpp"
#include "dataplane/node/health/stream_probe.hpp"
#include "dataplane/node/health/udp_probe.hpp"

namespace headgate::node {

Probe::Probe(EventLoop& loop, const ProbeTarget& target, OnDone on_done)
    : loop_(loop), target_(target), on_done_(std::move(on_done)) {}

void Probe::await(uint32_t epoll_events, EventLoop::OnReady on_ready) {
  deadline_ = loop_.after(target_.check.timeout, [this] { end({false, "no answer in time"}); });
  watch_ = loop_.watch(socket_.get(), epoll_events, std::move(on_ready));
}

void Probe::end_soon(ProbeResult result) {
  deadline_ = loop_.after(Duration::zero(), [this, result = std::move(result)] { end(result); });
}

void Probe::fail_soon(int errno_value) { end_soon({false, std::generic_category().message(errno_value)}); }
void Probe::fail(int errno_value) { end({false, std::generic_category().message(errno_value)}); }

void Probe::end(ProbeResult result) {
  watch_.end();
  deadline_.end();
  const auto on_done = std::move(on_done_);
  on_done(std::move(result));
}

std::unique_ptr<Probe> begin_probe(EventLoop& loop, const ProbeTarget& target, const Probe::ContextPtr& tls,
                                   Probe::OnDone on_done) {
  switch (target.check.type) {
    case contract::HealthCheckType::kUdp:
      return std::make_unique<UdpProbe>(loop, target, std::move(on_done));
    case contract::HealthCheckType::kIcmp:
      return std::make_unique<EchoProbe>(loop, target, std::move(on_done));
    case contract::HealthCheckType::kTcp:
    case contract::HealthCheckType::kHttp:
    case contract::HealthCheckType::kHttps:
      break;
  }
  return std::make_unique<StreamProbe>(loop, target, tls, std::move(on_done));
}

}  // namespace headgate::node
