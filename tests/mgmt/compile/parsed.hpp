// SPDX-License-Identifier: Apache-2.0
// A body as its resource, where the test expects no fault; short ways to write one. Thread: the test's.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "mgmt/compile/parse.hpp"

namespace headgate::compile {

inline db::ObjectKey key_of(db::Kind kind) { return {kind, db::in_namespace(kind) ? "default" : "", "x"}; }

template <typename T>
T parsed(std::string_view body) {
  const auto kind = static_cast<db::Kind>(Resource(T{}).index());
  auto result = parse_resource(key_of(kind), body);
  for (const auto& problem : result.problems) ADD_FAILURE() << problem.pointer << ": " << problem.detail;
  return result.resource ? std::get<T>(*result.resource) : T{};
}
// A listener of shard edge on port 80, and what else it says.
inline constexpr auto kListenerRest = R"("port":80,"shard":"edge")";
inline std::string listener_at(const std::string& address) {
  return R"({"address":")" + address + "\"," + kListenerRest + "}";
}
inline std::string listener_with(const std::string& more) {
  return R"({"address":"192.0.2.1",)" + std::string(kListenerRest) + "," + more + "}";
}

}  // namespace headgate::compile
