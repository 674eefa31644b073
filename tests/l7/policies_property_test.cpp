// SPDX-License-Identifier: Apache-2.0
// Law: which policies stand above a rule and a listener, and what of each counts there, follows from the
// objects alone, not from the deltas in which they came.
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/l7/tables.hpp"
#include "tests/l7/policy/standing_policies.hpp"
#include "tests/l7/router_fixture.hpp"

namespace headgate::l7 {
namespace {

using policy::Blocks;
using policy::PolicyBlock;

constexpr PolicyBlock kBlocks[] = {PolicyBlock::kIpAccess, PolicyBlock::kRateLimit, PolicyBlock::kCors,
                                   PolicyBlock::kRequestHeaders, PolicyBlock::kResponseHeaders};
constexpr unsigned kObjectsOfAKind = 3;

Endpoint reached(unsigned number) {
  return {kReached.address, static_cast<uint16_t>(kReached.port + number)};
}

class PoliciesWorld {
 public:
  explicit PoliciesWorld(unsigned seed) : random_(seed) {}

  // Some objects anew, some of them gone: policies that routes name may not be there.
  contract::Delta change() {
    contract::Delta delta{.base = 1, .revision = 2, .upserts = {}, .removals = {}};
    for (unsigned changes = 1 + below(3); changes > 0; --changes) {
      auto upsert = object();
      std::erase_if(delta.upserts, [&](const auto& earlier) { return earlier.key == upsert.key; });
      std::erase(delta.removals, upsert.key);
      if (below(6) == 0) {
        objects_.erase(upsert.key);
        delta.removals.push_back(upsert.key);
      } else {
        objects_.insert_or_assign(upsert.key, upsert.object);
        delta.upserts.push_back(std::move(upsert));
      }
    }
    return delta;
  }

  contract::Delta everything() const {
    contract::Delta delta{.base = 0, .revision = 2, .upserts = {}, .removals = {}};
    for (const auto& [key, object] : objects_) delta.upserts.push_back({key, object});
    return delta;
  }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  std::string name_of_one(const char* kind) { return kind + std::to_string(below(kObjectsOfAKind)); }

  contract::Upsert object() {
    switch (below(3)) {
      case 0:
        return upsert_of(contract::Policy{
            .uid = name_of_one("policy"),
            .name = "p" + std::to_string(below(2)),
            .mode = below(2) == 0 ? contract::PolicyMode::kDefault : contract::PolicyMode::kMandatory,
            .filters = contract::Boxed<contract::Filters>(filters())});
      case 1: {
        const unsigned port = below(kObjectsOfAKind);
        auto listener = make_listener("listener" + std::to_string(port), "", reached(port));
        listener.policies = policies();
        return upsert_of(std::move(listener));
      }
      default: {
        RouteSpec spec{.name = name_of_one("route"), .listeners = {"listener0", "listener1", "listener2"}};
        spec.hostnames = {spec.name};
        spec.rules = {{prefix("/")}, {prefix("/inner")}};
        auto route = make_route(spec);
        route.policies = policies();
        if (below(2) == 0) route.rules[1].filters = filters();
        return upsert_of(std::move(route));
      }
    }
  }
  contract::Filters filters() {
    Blocks blocks;
    for (const auto block : kBlocks)
      if (below(2) == 0) blocks.add(block);
    if (blocks.empty()) blocks.add(PolicyBlock::kCors);
    return policy::filters_with(blocks, std::to_string(below(3)));
  }
  std::vector<std::string> policies() {
    std::vector<std::string> uids;
    for (unsigned i = 0; i < kObjectsOfAKind; ++i)
      if (below(2) == 0) uids.push_back("policy" + std::to_string(i));
    return uids;
  }

  std::map<contract::ObjectKey, std::shared_ptr<const contract::Object>> objects_;
  std::mt19937 random_;
};

std::string text_of(Blocks blocks) {
  std::string text;
  for (const auto block : kBlocks) text += blocks.has(block) ? '1' : '0';
  return text;
}

std::string text_of(const policy::PolicyList& list) {
  std::string text;
  for (const auto& applied : list.policies)
    text +=
        " " + applied.standing->name + (applied.standing->mandatory ? "!" : ":") + text_of(applied.blocks);
  return text + " given " + text_of(list.given) + " replaced " + text_of(list.replaced);
}

std::string standing_above_all(const Tables& tables) {
  std::string text;
  for (unsigned port = 0; port < kObjectsOfAKind; ++port) {
    for (unsigned host = 0; host < kObjectsOfAKind; ++host) {
      RequestHead request;
      const std::string name = "route" + std::to_string(host);
      request.host = name;
      const auto* listener = tables.router.listener(reached(port), request.host);
      text += std::to_string(port) + " " + name;
      if (listener && listener->policies) text += text_of(*listener->policies);
      for (const char* path : {"/", "/inner/x"}) {
        request.path = path;
        const auto match = listener ? Router::match(*listener, request) : RouteMatch{};
        text += std::string("\n  ") + path;
        if (match.plan) text += text_of(match.plan->above);
      }
      text += "\n";
    }
  }
  return text;
}

TEST(PoliciesProperty, TheWayThatObjectsCameDoesNotMatter) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    PoliciesWorld world(seed);
    TableBuilder stepwise(1);
    auto tables = stepwise.apply(world.everything());
    for (int step = 0; step < 200; ++step) {
      tables = stepwise.apply(world.change());
      TableBuilder rebuilt(1);
      const auto other = rebuilt.apply(world.everything());
      ASSERT_EQ(standing_above_all(*tables), standing_above_all(*other)) << seed << ":" << step;
    }
  }
}

}  // namespace
}  // namespace headgate::l7
