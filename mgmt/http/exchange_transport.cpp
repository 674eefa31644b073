// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/exchange_transport.hpp"

#include <exception>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/log.hpp"
#include "mgmt/http/problem.hpp"

namespace headgate::http {

using Pistache::Aio::FdSet;
using Pistache::Polling::Event;
using Pistache::Polling::NotifyOn;
using Pistache::Polling::Tag;
using Pistache::Tcp::Peer;

namespace {

// Pistache's faults end here: the peer that caused one is gone or will be found overdue.
template <typename Action>
void guarded(const Action& action) {
  try {
    action();
  } catch (const std::exception& fault) {
    log::debug(fmt::format("a client's connection failed: {}", fault.what()));
  }
}

}  // namespace

ExchangeTransport::ExchangeTransport(const std::shared_ptr<Pistache::Tcp::Handler>& handler,
                                     std::shared_ptr<Shared> shared)
    : Transport(handler), handler_(handler), shared_(std::move(shared)) {}

std::shared_ptr<Pistache::Aio::Handler> ExchangeTransport::clone() const {
  return std::make_shared<ExchangeTransport>(handler_->clone(), shared_);
}

void ExchangeTransport::registerPoller(Pistache::Polling::Epoll& poller) {
  Transport::registerPoller(poller);
  timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  constexpr timespec kEvery{0, 500'000'000};
  const itimerspec period{kEvery, kEvery};
  HG_ASSERT(timer_ && ::timerfd_settime(timer_.get(), 0, &period, nullptr) == 0);
  poller.addFd(timer_.get(), Pistache::Flags<NotifyOn>(NotifyOn::Read),
               Tag(static_cast<uint64_t>(timer_.get())));
  poller.addFd(outbox_->fd(), Pistache::Flags<NotifyOn>(NotifyOn::Read),
               Tag(static_cast<uint64_t>(outbox_->fd())));
}

// One event at a time: a fault with one peer must not lose the (edge-triggered) events of the others. Reading
// and writing apart: Pistache drops the second when both come in one event.
void ExchangeTransport::onReady(const FdSet& fds) {
  const auto pass_on = [this](Tag tag, NotifyOn what) {
    Event event(tag);
    event.flags.setFlag(what);
    guarded([&] { Transport::onReady(FdSet({event})); });
  };
  for (const auto& entry : fds) {
    const auto tag = entry.getTag();
    if (tag.value() == static_cast<uint64_t>(outbox_->fd())) {
      send_answers();
    } else if (tag.value() == static_cast<uint64_t>(timer_.get())) {
      end_overdue();
    } else {
      if (entry.isReadable() || entry.isHangup()) pass_on(tag, NotifyOn::Read);
      if (entry.isWritable()) pass_on(tag, NotifyOn::Write);
    }
  }
}

std::shared_ptr<Peer> ExchangeTransport::find(const PeerName& name) const {
  const auto found = peers.find(name.fd);
  return found != peers.end() && found->second->getID() == name.id ? found->second : nullptr;
}

void ExchangeTransport::write(const std::shared_ptr<Peer>& peer, const std::string& bytes,
                              const std::function<void()>& on_sent) {
  asyncWrite(peer->fd(), Pistache::RawBuffer(bytes, bytes.size()))
      .then([on_sent](ssize_t) { on_sent(); }, [](std::exception_ptr) {});
  flush();  // now: queued, it could meet the next owner of the fd
}

void ExchangeTransport::answer(const std::shared_ptr<Peer>& peer, const Response& response) {
  auto& connection = connection_of(*peer);
  const auto bytes = to_text(response, connection.form);
  const bool close = connection.form.close;
  connection.state = close ? Connection::State::kClosing : Connection::State::kReading;
  connection.restart(monotonic_now());
  // The client's unread bytes must not turn our FIN into a RST that destroys the answer on its way: so only
  // this direction ends now, and what the client still sends is read and dropped (RFC 9112 section 9.6).
  write(peer, bytes, [this, close, name = name_of(*peer)] {
    if (const auto sent_to = find(name); close && sent_to) {
      connection_of(*sent_to).restart(monotonic_now());
      connection_of(*sent_to).lingering = true;
      ::shutdown(sent_to->fd(), SHUT_WR);
    }
  });
}

void ExchangeTransport::send_answers() {
  for (const auto& [name, response] : outbox_->take()) {
    shared_->exchanges.fetch_sub(1, std::memory_order_relaxed);
    guarded([&, &to = name, &what = response] {  // clang 14 captures no structured binding by itself
      if (const auto peer = find(to)) answer(peer, what);
    });
  }
}

// Closing is left to the transport: a socket that is shut down reads as ended.
void ExchangeTransport::end_overdue() {
  uint64_t expirations = 0;
  [[maybe_unused]] const auto got = ::read(timer_.get(), &expirations, sizeof expirations);
  gone_before_ = std::exchange(gone_, {});
  const auto now = monotonic_now();
  for (const auto& [fd, peer] : peers) {
    auto& connection = connection_of(*peer);
    if (!connection.is_overdue(now)) continue;
    if (connection.state == Connection::State::kReading && connection.received_bytes > 0) {
      connection.form.close = true;
      guarded([&, &to = peer] {
        answer(to, to_response({408, "The request did not arrive in time.", {}, {}}));
      });
    } else {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
}

}  // namespace headgate::http
