// SPDX-License-Identifier: Apache-2.0
// OutputsFixture: two nodes, two shards with a listener each, 20 routes of namespace a; what a change of it
// puts into the nodes' deltas. Thread: the test's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mgmt/compile/outputs.hpp"
#include "tests/mgmt/compile/model_fixture.hpp"

namespace headgate::compile {

class OutputsFixture : public ::testing::Test {
 protected:
  OutputsFixture() {
    for (const auto* node : {"n1", "n2"}) add(global(Kind::kNode, node), "{}");
    for (const auto* shard : {"edge", "other"}) add(global(Kind::kShard, shard), "{}");
    add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge"));
    add(global(Kind::kListener, "alt"), listener_body("192.0.2.2", 80, "other"));
    add(pool_key("a", "p"), pool_body());
    for (int i = 0; i < 20; ++i) add(route_key("a", "r" + std::to_string(i)), route_body("\"web\"", "p"));
    update();
  }
  void add(const db::ObjectKey& key, const std::string& body) {
    put(model_, key, body);
    changed_.insert(key);
  }
  std::vector<std::string> update() {
    for (const auto& key : all_allocations(model_))
      numbers_.emplace(key, static_cast<uint32_t>(numbers_.size() + 1024));
    return outputs_.update(model_, numbers_, std::exchange(changed_, {}), ++revision_);
  }
  std::vector<std::string> delta_keys(const std::string& node) const {
    std::vector<std::string> keys;
    const auto delta = outputs_.delta_since(node, revision_ - 1);
    for (const auto& upsert : delta->upserts) keys.push_back("+" + upsert.key.audience + " " + upsert.key.id);
    for (const auto& key : delta->removals) keys.push_back("-" + key.audience + " " + key.id);
    return keys;
  }
  using Lines = std::vector<std::string>;

  Model model_;
  Numbers numbers_;
  Outputs outputs_;
  Keys changed_;
  contract::Revision revision_ = 0;
};

}  // namespace headgate::compile
