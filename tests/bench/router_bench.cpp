// SPDX-License-Identifier: Apache-2.0
// bench-uses: l7
// What routing costs: a look-up among 10 to 100,000 routes, changing one of them, and the memory that each
// takes once the delta that brought it is gone. "hot" asks for the same ten routes however many there are,
// which shows the algorithm alone; "spread" asks for all of them in turn, which adds the cache misses that so
// much data costs.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "dataplane/l7/router.hpp"
#include "dataplane/l7/tables.hpp"

namespace headgate::l7 {
namespace {

const Endpoint kReached{*IpAddress::parse("192.0.2.100"), 80};

// A hostname a route, which forwards or answers; or all routes under one, by prefixes, or by expressions.
enum class Shape { kHosts, kAnswers, kPaths, kExpressions };
bool has_own_host(Shape shape) { return shape == Shape::kHosts || shape == Shape::kAnswers; }

// Of one length, that a longer text is not taken for the cost of more routes.
std::string number(std::size_t i) {
  const auto digits = std::to_string(i);
  return std::string(6 - digits.size(), '0') + digits;
}

std::string host_of(Shape shape, std::size_t i) {
  return has_own_host(shape) ? "app-" + number(i) + ".example.com" : "api.example.com";
}
std::string prefix_of(Shape shape, std::size_t i) {
  return has_own_host(shape) ? "/" : "/team-" + number(i % 100) + "/app-" + number(i);
}
// As long as those that headgated gives.
std::string uid_of(std::size_t i) { return "5c3b1a9e-7f04-4e62-9d1b-000000" + number(i); }
const std::string kListenerUid = "0a6d2f58-93c7-4b1e-8e45-d2f5893c74b1";

contract::Upsert upsert(std::string uid, contract::Object object) {
  const auto kind = contract::kind_of(object);
  return {{"shard/edge", kind, std::move(uid)}, std::make_shared<const contract::Object>(std::move(object))};
}

contract::Upsert route(Shape shape, std::size_t i, uint32_t weight) {
  contract::Route route;
  route.uid = uid_of(i);
  route.namespace_name = "default";
  route.name = "app-" + number(i);
  route.listeners = {kListenerUid};
  route.hostnames = {host_of(shape, i)};
  contract::RouteRule rule;
  rule.matches.resize(1);
  rule.matches[0].path = {contract::PathMatchType::kPrefix, prefix_of(shape, i)};
  if (shape == Shape::kExpressions)
    rule.matches[0].path = {contract::PathMatchType::kRegex, prefix_of(shape, i) + "/[a-z]+/items"};
  if (shape == Shape::kAnswers)
    rule.filters.emplace().direct_response.emplace().body = std::to_string(weight);
  else
    rule.forward = {{"P" + number(i % 100), weight}};
  route.rules = {rule};
  return upsert(route.uid, route);
}

contract::Delta all_routes(Shape shape, std::size_t count) {
  contract::Delta delta{.base = 0, .revision = 1, .upserts = {}, .removals = {}};
  contract::Listener listener;
  listener.uid = kListenerUid;
  listener.name = "L";
  listener.address = kReached.address;
  listener.port = kReached.port;
  delta.upserts.push_back(upsert(listener.uid, listener));
  for (std::size_t i = 0; i < count; ++i) delta.upserts.push_back(route(shape, i, 1));
  return delta;
}

struct Request {
  std::string host;
  std::string path;
  RequestHead head;
};
std::vector<std::unique_ptr<Request>> requests(Shape shape, std::size_t routes, std::size_t count) {
  std::vector<std::unique_ptr<Request>> list;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t chosen = i * 7'919 % routes;
    auto request = std::make_unique<Request>();
    request->host = host_of(shape, chosen);
    request->path = prefix_of(shape, chosen) + (has_own_host(shape) ? "cart/items" : "/cart/items");
    request->head.host = request->host;
    request->head.path = request->path;
    request->head.method_text = "GET";
    list.push_back(std::move(request));
  }
  return list;
}

void look_up(benchmark::State& state, Shape shape, bool spread) {
  const auto routes = static_cast<std::size_t>(state.range(0));
  TableBuilder builder(1);
  const auto tables = builder.apply(all_routes(shape, routes));
  const auto asked = requests(shape, routes, spread ? routes : 10);
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& head = asked[next]->head;
    next = next + 1 == asked.size() ? 0 : next + 1;
    const auto* listener = tables->router.listener(kReached, head.host);
    const auto match = Router::match(*listener, head);
    if (match.outcome != Outcome::kFound) state.SkipWithError("not found");
    benchmark::DoNotOptimize(match);
  }
}
BENCHMARK_CAPTURE(look_up, hosts_hot, Shape::kHosts, false)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(look_up, paths_hot, Shape::kPaths, false)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(look_up, expressions_hot, Shape::kExpressions, false)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(look_up, hosts_spread, Shape::kHosts, true)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(look_up, paths_spread, Shape::kPaths, true)->Arg(10)->Arg(1'000)->Arg(100'000);

void change_one(benchmark::State& state, Shape shape) {
  const auto routes = static_cast<std::size_t>(state.range(0));
  TableBuilder builder(1);
  auto tables = builder.apply(all_routes(shape, routes));
  uint32_t weight = 1;
  for (auto _ : state) {
    ++weight;
    tables = builder.apply(contract::Delta{.base = weight,
                                           .revision = weight + 1,
                                           .upserts = {route(shape, weight * 7'919 % routes, weight)},
                                           .removals = {}});
    builder.reclaim();
  }
}
BENCHMARK_CAPTURE(change_one, hosts, Shape::kHosts)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(change_one, paths, Shape::kPaths)->Arg(10)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(change_one, expressions, Shape::kExpressions)->Arg(10)->Arg(1'000)->Arg(10'000);

double allocated_bytes() {
  const auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

void build_all(benchmark::State& state, Shape shape) {
  const auto routes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const double before_bytes = allocated_bytes();
    TableBuilder builder(1);
    const auto tables = builder.apply(all_routes(shape, routes));
    benchmark::DoNotOptimize(tables.get());
    state.counters["bytes_per_route"] = (allocated_bytes() - before_bytes) / static_cast<double>(routes);
  }
}
BENCHMARK_CAPTURE(build_all, hosts, Shape::kHosts)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build_all, answers, Shape::kAnswers)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build_all, paths, Shape::kPaths)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headgate::l7
