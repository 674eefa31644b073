// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/udp_probe.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/node/health/unreachable.hpp"
#include "dataplane/node/socket_address.hpp"

namespace headgate::node {

// Connected: the kernel passes on only what comes from the backend, and what is said of the way to it (RFC
// 1122 section 4.1.3.3). A port of its own for each, so that no late answer to one is taken for the next
// one's.
UdpProbe::UdpProbe(EventLoop& loop, const ProbeTarget& target, OnDone on_done)
    : Probe(loop, target, std::move(on_done)) {
  const auto address = SocketAddress::of(target.endpoint);
  const auto& request = target.check.request.value;
  socket_.reset(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  const bool begun = socket_ && told_of_unreachable(socket_.get(), address.family()) &&
                     ::connect(socket_.get(), address.get(), address.size_bytes()) == 0 &&
                     ::send(socket_.get(), request.data(), request.size(), 0) >= 0;
  if (begun)
    await(EPOLLIN, [this](uint32_t) { receive_answer(); });
  else
    fail_soon(errno);
}

void UdpProbe::receive_answer() {
  std::array<char, limits::kProbeDatagramBytesMax> buffer;  // what is longer is cut off: its beginning counts
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return fail(errno);
  const std::string_view answer(buffer.data(), static_cast<std::size_t>(got));
  if (!answer.starts_with(target_.check.response.value)) return end({false, "another answer than response"});
  end({true, ""});
}

}  // namespace headgate::node
