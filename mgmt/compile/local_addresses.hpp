// SPDX-License-Identifier: Apache-2.0
// The addresses on every node's `lo` that carry the replicas' local ports (DESIGN section 2): machine-local,
// so they are the same everywhere and never seen on a wire. From the benchmark range (RFC 2544) and a ULA
// prefix, where they collide with nobody's network. Constants; any thread.
#pragma once

#include "dataplane/core/ip_address.hpp"

namespace headgate::compile {

inline IpAddress local_address_v4() { return IpAddress::v4(0xC613FF01); }  // 198.19.255.1
inline IpAddress local_address_v6() {                                      // fd68:6764:7465::1
  return IpAddress::v6({0xfd, 0x68, 0x67, 0x64, 0x74, 0x65, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

}  // namespace headgate::compile
