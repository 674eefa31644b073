// SPDX-License-Identifier: Apache-2.0
// compile_all: what every node must know, from nothing: the plain statement of what the Compiler keeps up to
// date step by step, and the oracle of its tests. Also how a revision that is not live is compiled. Pure.
#pragma once

#include <map>
#include <string>

#include "mgmt/compile/build.hpp"

namespace headgate::compile {

std::map<std::string, contract::Snapshot> compile_all(const Model& model, const Numbers& numbers,
                                                      contract::Revision revision);

}  // namespace headgate::compile
