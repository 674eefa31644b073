// SPDX-License-Identifier: Apache-2.0
// Which secrets an object needs: how headgated knows what a node may be told, and a node what it must fetch.
// Pure; any thread.
#pragma once

#include <set>
#include <string>

#include "dataplane/contract/snapshot.hpp"

namespace headgate::contract {

void add_secret_names(const Object& object, std::set<std::string>& digests);
std::set<std::string> secret_names(const Snapshot& snapshot);
// Of what it adds or changes.
std::set<std::string> secret_names(const Delta& delta);

}  // namespace headgate::contract
