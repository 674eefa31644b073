// SPDX-License-Identifier: Apache-2.0
// Offloads: what an interface does in place of the kernel, as `ethtool -K` switches it. Any thread.
#pragma once

#include <string>

#include "dataplane/core/result.hpp"

namespace headgate::netlink {

enum class Offload { kTxChecksum, kTcpSegmentation, kGenericSegmentation, kGenericReceive };

// An interface that cannot do it at all has it off already.
Result<void> switch_off(const std::string& interface, Offload offload);

}  // namespace headgate::netlink
