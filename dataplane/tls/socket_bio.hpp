// SPDX-License-Identifier: Apache-2.0
// The BIO between OpenSSL and a non-blocking socket in an edge-triggered epoll set. It knows from short reads
// that the socket has been emptied and asks the kernel only when something may be there, which OpenSSL's own
// socket BIO does before every "not yet". For the sources of this folder. Thread: the connection's.
#pragma once

#include "dataplane/tls/handles.hpp"

namespace headgate::tls {

struct Socket {
  int fd = -1;
  bool readable = true;  // for all that is known
  bool writable = true;
  bool ending = false;  // the other side's end is announced, so a short read says nothing more
  bool ended = false;   // it was read
  bool broken = false;  // reset
  bool more = false;    // to be written follows at once: segments may wait for it
};

// Both directions of `ssl`; `socket` outlives it. False where memory is short.
[[nodiscard]] bool attach_socket(SSL* ssl, Socket& socket);
Socket& socket_of(SSL* ssl);

}  // namespace headgate::tls
