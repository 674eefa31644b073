// SPDX-License-Identifier: Apache-2.0
// PoolFixture: one ServingPool that a test makes and changes, with the thread state that chooses from it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/l7/balance.hpp"

namespace headgate::l7 {

struct BackendSpec {
  std::string host;
  uint32_t weight = 1;
  bool drain = false;
};

struct PoolSpec {
  std::vector<BackendSpec> backends;
  contract::WhenAllDown when_all_down = contract::WhenAllDown::kRefuse;
  contract::Algorithm algorithm = contract::Algorithm::kRoundRobin;
  contract::PoolProtocol protocol = contract::PoolProtocol::kHttp1;
};

class PoolFixture {
 public:
  explicit PoolFixture(const PoolSpec& spec) { change(spec); }

  PoolFixture& change(const PoolSpec& spec) {
    auto next = std::make_shared<contract::Pool>();
    next->uid = "P";
    next->algorithm = spec.algorithm;
    next->when_all_down = spec.when_all_down;
    next->protocol = spec.protocol;
    for (const auto& backend : spec.backends)
      next->backends.push_back(
          {.host = backend.host, .port = 80, .weight = backend.weight, .drain = backend.drain});
    object = std::move(next);
    return compile();
  }
  PoolFixture& down(const std::string& host) { return health({{host, {{host, false}}}}); }
  // What each backend's host is known to be: addresses, and whether each is usable.
  PoolFixture& health(const std::map<std::string, std::map<std::string, bool>>& hosts) {
    for (const auto& [host, addresses] : hosts) {
      contract::MemberHealth member{{"P", contract::health_member(host, 80)}, {}};
      for (const auto& [address, usable] : addresses)
        member.endpoints.push_back({{*IpAddress::parse(address), 80}, usable, ""});
      view.insert_or_assign(member.key, member);
    }
    return compile();
  }

  std::string eligible() const {
    std::string text;
    for (const auto& endpoint : pool->eligible)
      text.append(text.empty() ? "" : " ").append(endpoint.endpoint->text);
    return text;
  }

  EndpointChoice choose(const TriedEndpoints& tried = {}) { return choose_endpoint(*pool, tried, state()); }
  BalanceState state() { return {pools.row(0), endpoints.row(0)}; }

 private:
  PoolFixture& compile() {
    pool = compile_pool(object, identity, view, pool.get(), endpoints);
    return *this;
  }

 public:
  Keeper<PoolIdentity> pools{1};
  Keeper<PoolEndpoint> endpoints{1};
  PoolIdentityPtr identity = pools.keep({"P", 0});
  std::shared_ptr<const contract::Pool> object;
  contract::HealthView view;
  ServingPoolPtr pool;
};

}  // namespace headgate::l7
