// SPDX-License-Identifier: Apache-2.0
// Short ways to name and write resources for the tests of compile. Thread: the test's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mgmt/compile/build.hpp"
#include "mgmt/compile/check.hpp"
#include "mgmt/compile/parse.hpp"

namespace headgate::compile {

using db::Kind;

inline db::ObjectKey global(Kind kind, std::string name) { return {kind, "", std::move(name)}; }
inline db::ObjectKey route_key(std::string space, std::string name) {
  return {Kind::kRoute, std::move(space), std::move(name)};
}
inline db::ObjectKey pool_key(std::string space, std::string name) {
  return {Kind::kPool, std::move(space), std::move(name)};
}

inline std::string listener_body(const std::string& address, int port, const std::string& shard,
                                 const std::string& more = "") {
  return R"({"address":")" + address + R"(","port":)" + std::to_string(port) + R"(,"shard":")" + shard +
         "\"" + more + "}";
}
inline std::string pool_listener_body(const std::string& address, int port, const std::string& pool,
                                      const std::string& more = R"(,"protocol":"tcp")") {
  return R"({"address":")" + address + R"(","port":)" + std::to_string(port) + R"(,"pool":")" + pool +
         R"(","forwarding":"dsr")" + more + "}";
}
inline std::string route_body(const std::string& listeners, const std::string& pool,
                              const std::string& more = "") {
  return R"({"listeners":[)" + listeners + R"(],"rules":[{"forward":[{"pool":")" + pool + R"("}]}])" + more +
         "}";
}
inline std::string pool_body(int port = 80) {
  return R"({"backends":[{"address":"10.0.0.1","port":)" + std::to_string(port) + "}]}";
}

// Every allocation that the model's shards and listeners need.
inline std::vector<db::AllocationKey> all_allocations(const Model& model) {
  std::vector<db::AllocationKey> all;
  for (const auto kind : {Kind::kShard, Kind::kListener})
    for (const auto* entry : model.all(kind)) {
      const auto keys = required_allocations(model, *entry);
      all.insert(all.end(), keys.begin(), keys.end());
    }
  return all;
}

inline void put(Model& model, const db::ObjectKey& key, const std::string& body) {
  auto parsed = parse_resource(key, body);
  for (const auto& problem : parsed.problems)
    ADD_FAILURE() << key.to_string() << " " << problem.pointer << ": " << problem.detail;
  if (!parsed.resource) return;
  db::ObjectMeta meta;
  meta.uid = "uid-" + key.to_string();
  model.put(
      {.key = key, .meta = meta, .resource = std::make_shared<const Resource>(*std::move(parsed.resource))});
}

}  // namespace headgate::compile
