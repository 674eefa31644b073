// SPDX-License-Identifier: Apache-2.0
// bench-uses: l7
// What each decision costs that headgate-shard makes for a request beside routing (router_bench): the target,
// the authority, who the client is, which pool and which endpoint; and the pin that holds the plan.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "dataplane/l7/authority.hpp"
#include "dataplane/l7/forwarded.hpp"
#include "dataplane/l7/path.hpp"
#include "dataplane/l7/tables.hpp"

namespace headgate::l7 {
namespace {

void path(benchmark::State& state, std::string_view raw) {
  Arena arena;
  for (auto _ : state) {
    benchmark::DoNotOptimize(normalise_path(raw, EscapedSlash::kRefuse, arena));
    arena.reset();
  }
}
BENCHMARK_CAPTURE(path, normal, "/api/v1/customers/4711/orders");
BENCHMARK_CAPTURE(path, to_repair, "/api/v1/%63ustomers/./4711/x/../orders%c3%a9");

void authority(benchmark::State& state, std::string_view text) {
  Arena arena;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_authority(text, arena));
    arena.reset();
  }
}
BENCHMARK_CAPTURE(authority, lower_case, "app.example.com");
BENCHMARK_CAPTURE(authority, upper_case_with_port, "App.Example.com:8080");

void forwarded(benchmark::State& state, const char* peer) {
  const std::vector<Prefix> trusted{*Prefix::parse("10.0.0.0/8")};
  Arena arena;
  RequestHead request;
  request.host = "app.example.com";
  const std::string_view peer_text(peer);
  const ClientSide side{*IpAddress::parse(peer_text), peer_text, "http", 80, trusted};
  for (auto _ : state) {
    request.headers.clear();
    request.headers.add({"accept", "*/*", HeaderId::kOther});
    request.headers.add(HeaderId::kXForwardedFor, "203.0.113.9, 10.2.2.2");
    set_forwarded(request.headers, resolve_forwarded(request, side, {1, 2}, arena));
    arena.reset();
  }
}
BENCHMARK_CAPTURE(forwarded, from_a_client, "198.51.100.7");
BENCHMARK_CAPTURE(forwarded, from_a_trusted_proxy, "10.1.1.1");

contract::Delta one_pool(contract::Algorithm algorithm, int64_t backends) {
  contract::Pool pool;
  pool.uid = "P";
  pool.algorithm = algorithm;
  for (int64_t i = 0; i < backends; ++i)
    pool.backends.push_back({.host = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                             .port = 80,
                             .weight = static_cast<uint32_t>(1 + i % 3),
                             .drain = false});
  contract::Route route;
  route.uid = "R";
  route.listeners = {"L"};
  contract::RouteRule rule;
  rule.forward = {{"P", 9}, {"P", 1}};
  route.rules = {rule};
  contract::Listener listener;
  listener.uid = "L";
  contract::Delta delta{.base = 0, .revision = 1, .upserts = {}, .removals = {}};
  for (contract::Object object :
       {contract::Object(pool), contract::Object(route), contract::Object(listener)}) {
    const auto kind = contract::kind_of(object);
    delta.upserts.push_back(
        {{"shard/edge", kind, ""}, std::make_shared<const contract::Object>(std::move(object))});
  }
  return delta;
}

// From the rule that won to a request outstanding on an endpoint, and its end.
void choose(benchmark::State& state, contract::Algorithm algorithm) {
  TableBuilder builder(1);
  const auto tables = builder.apply(one_pool(algorithm, state.range(0)));
  const auto thread = builder.thread_state(0);
  RequestHead request;
  request.path = "/";
  const auto match = Router::match(*tables->router.listener({}, ""), request);
  for (auto _ : state) {
    const auto pin = thread.pin(*match.plan);
    const auto forward = thread.choose(*pin);
    const auto choice = thread.choose(*tables, *forward.pool, {});
    const auto outstanding = thread.outstanding(*choice.endpoint);
    benchmark::DoNotOptimize(outstanding.get());
  }
}
BENCHMARK_CAPTURE(choose, round_robin, contract::Algorithm::kRoundRobin)->Arg(2)->Arg(64)->Arg(1'000);
BENCHMARK_CAPTURE(choose, least_requests, contract::Algorithm::kLeastRequests)->Arg(2)->Arg(64)->Arg(1'000);

}  // namespace
}  // namespace headgate::l7
