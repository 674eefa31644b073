// SPDX-License-Identifier: Apache-2.0
// PoolFixture: one ServingPool that a test makes and changes, with the thread state that chooses from it.
#pragma once

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/l7/balance.hpp"

namespace headgate::l7 {

struct BackendSpec {
  std::string host;
  uint32_t weight = 1;
  bool drain = false;
  uint32_t priority = 0;
};

struct PoolSpec {
  std::vector<BackendSpec> backends;
  contract::WhenAllDown when_all_down = contract::WhenAllDown::kRefuse;
  contract::Algorithm algorithm = contract::Algorithm::kRoundRobin;
  contract::PoolProtocol protocol = contract::PoolProtocol::kHttp1;
  std::optional<contract::Millis> slow_start = {};
  uint32_t failover_percent = 0;
  std::optional<contract::Outlier> outlier = {};
  std::optional<contract::PoolTls> tls = {};
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
    next->slow_start = spec.slow_start;
    next->failover_percent = spec.failover_percent;
    next->outlier = spec.outlier;
    next->tls = spec.tls;
    for (const auto& backend : spec.backends)
      next->backends.push_back({.host = backend.host,
                                .port = 80,
                                .weight = backend.weight,
                                .drain = backend.drain,
                                .priority = backend.priority});
    object = std::move(next);
    return compile();
  }
  PoolFixture& down(const std::string& host) { return health({{host, {{host, false}}}}); }
  PoolFixture& up(const std::string& host) { return health({{host, {{host, true}}}}); }
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

  // Of the level that serves.
  std::string eligible() const {
    std::string text;
    if (pool->level == pool->levels.size()) return text;
    for (const uint32_t at : pool->levels[pool->level].eligible)
      text.append(text.empty() ? "" : " ").append(pool->all[at].endpoint->text);
    return text;
  }

  EndpointChoice choose(const TriedEndpoints& tried = {}) {
    input.now = now;
    input.random = random();
    return choose_endpoint(*pool, tried, state(), input);
  }
  std::string chosen(const TriedEndpoints& tried = {}) {
    const auto choice = choose(tried);
    return choice.endpoint ? choice.endpoint->text : std::string(name_of(choice.outcome));
  }
  Ejection report(const std::string& host, TryResult result) {
    return report_try(*pool, *find(host), result, state(), now);
  }
  const PoolEndpoint* find(const std::string& host) const {
    for (const auto& each : pool->all)
      if (each.endpoint->address.address == *IpAddress::parse(host)) return each.endpoint.get();
    return nullptr;
  }
  BalanceState state() { return {pools.row(0), endpoints.row(0)}; }

 private:
  PoolFixture& compile() {
    pool = compile_pool(object, identity, view, pool.get(), endpoints, now);
    return *this;
  }

 public:
  Keeper<PoolIdentity> pools{1};
  Keeper<PoolEndpoint> endpoints{1};
  PoolIdentityPtr identity = pools.keep({"P", 0});
  std::shared_ptr<const contract::Pool> object;
  contract::HealthView view;
  ServingPoolPtr pool;
  TimePoint now{};
  BalanceInput input;
  std::mt19937_64 random{42};
};

}  // namespace headgate::l7
