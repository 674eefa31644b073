// SPDX-License-Identifier: Apache-2.0
// told_of_unreachable: a datagram socket that is told of every ICMP error that a datagram of it meets, of
// those as well that the kernel takes for passing (no route to the host). Any thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

namespace headgate::node {

inline bool told_of_unreachable(int fd, int family) {
  const int one = 1;
  return family == AF_INET ? ::setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one) == 0
                           : ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one) == 0;
}

}  // namespace headgate::node
