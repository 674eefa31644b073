// SPDX-License-Identifier: Apache-2.0
// Packet fds: the sockets (AF_XDP, AF_PACKET) and TUN devices that DPDK's drivers hold in this process. The
// drivers do not hand them out, so they are found among /proc/self/fd: those that are there after a port has
// been opened and were not before are the port's. Thread: control.
#pragma once

#include <vector>

namespace headgate::fastpath {

std::vector<int> packet_fds();  // sorted

}  // namespace headgate::fastpath
