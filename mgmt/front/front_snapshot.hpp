// SPDX-License-Identifier: Apache-2.0
// What the front is told: all that a headgate-shard must know to pass the API on, from one HTTPS listener to
// headgated on loopback. Built in, so that no write to the API can close the way to the API. Pure; any
// thread.
#pragma once

#include <string>

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/ip_address.hpp"

namespace headgate::front {

struct FrontShape {
  Endpoint listen;          // for other machines
  Endpoint backend;         // headgated, on loopback
  std::string certificate;  // PEM
  std::string key_digest;
};

// A full snapshot: base 0.
contract::Delta front_snapshot(const FrontShape& shape, contract::Revision revision);

}  // namespace headgate::front
