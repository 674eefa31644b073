// SPDX-License-Identifier: Apache-2.0
// Bytes: of any value, where a std::string of the contract is text; on the wire in base64. A plain value.
#pragma once

#include <string>

namespace headgate::contract {

struct Bytes {
  std::string value = {};

  friend bool operator==(const Bytes&, const Bytes&) = default;
};

}  // namespace headgate::contract
