// SPDX-License-Identifier: Apache-2.0
// What a route may say where TLS passes through (listeners of protocol tls): whither, and for how long it may
// be idle. All else would need what is encrypted. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mgmt/compile/resources.hpp"

namespace headgate::compile {

struct PassthroughFault {
  std::string pointer;
  std::string_view reason;
};
// The first; nothing: it may be attached.
std::optional<PassthroughFault> fault_of_passthrough(const Route& route);

}  // namespace headgate::compile
