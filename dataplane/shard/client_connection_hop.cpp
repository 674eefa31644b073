// SPDX-License-Identifier: Apache-2.0
// ClientConnection: a first tier's, on the hop socket: requests, each with a context of its own, or TLS that
// passes through, behind a header of the PROXY protocol. Both are believed on this socket only.
#include <cerrno>

#include <sys/socket.h>

#include "dataplane/shard/proxy_header_form.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

// The context, Client-Cert, and Host where an absolute target had none.
constexpr uint32_t kHopFieldsMax = 3;
constexpr std::size_t kAroundValue = 64;  // the field's name, and the 32 bytes that each counts
constexpr std::size_t kHopBytesMax =
    limits::kHopContextBytesMax + limits::kClientCertBytesMax + 2 * kAroundValue;

}  // namespace

// The first tier has measured what the client sent; what it adds is not the client's fault.
http1::HeadLimits ClientConnection::head_limits() const {
  const auto& settings = *bench_.tables->settings;
  http1::HeadLimits head_limits{settings.header_bytes_max, settings.header_count_max,
                                settings.target_bytes_max};
  if (!hop_) return head_limits;
  head_limits.header_bytes_max += kHopBytesMax;
  head_limits.header_count_max += kHopFieldsMax;
  return head_limits;
}

void ClientConnection::open_hop(UniqueFd socket, uid_t peer_uid) {
  peer_ = reached_ = {};
  peer_text_bytes_ = 0;
  hop_ = true;
  peer_uid_ = peer_uid;
  begin(std::move(socket));
}

void ClientConnection::begin_hop() {
  phase_ = Phase::kHopBeginning;
  // Also while draining: of a connection that is closed before it has brought anything, a first tier can't
  // know whether it was read.
  bench_.loop.arm(*this, bench_.tables->settings->header_timeout);
  read_hop_beginning();
}

// Looked at and left in the socket.
void ClientConnection::read_hop_beginning() {
  char first = 0;
  const ssize_t got = ::recv(stream_.fd(), &first, 1, MSG_PEEK);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return close();
  if (proxy_form::begins_header(first)) {
    phase_ = Phase::kProxyHeader;
    return read_proxy_header();
  }
  phase_ = Phase::kReadingHead;
  advance();
}

}  // namespace headgate::shard
