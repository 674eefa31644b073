// SPDX-License-Identifier: Apache-2.0
// The law of the data path: once it runs, a request is routed, balanced and labelled without one allocation.
// Every `new` of this test program is counted, by thread.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "dataplane/l7/forwarded.hpp"
#include "dataplane/l7/path.hpp"
#include "dataplane/l7/tables.hpp"
#include "tests/l7/router_fixture.hpp"

// A sanitizer brings operators of its own, which check more than these count: there is no such test there.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
thread_local std::size_t allocations = 0;
}  // namespace

// Not inlined: GCC would see a free() of what it takes for the standard operator new's.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace headgate::l7 {
namespace {

contract::Delta some_objects() {
  contract::Delta delta{.base = 0, .revision = 1, .upserts = {}, .removals = {}};
  delta.upserts.push_back(upsert_of(make_listener("web", "*.example.com", kReached)));
  auto route =
      make_route({.name = "app", .hostnames = {"*.example.com"}, .rules = {{prefix("/"), prefix("/a")}}});
  route.rules[0].forward = {{"P1", 3}, {"P2", 1}};
  for (auto& match : route.rules[0].matches) {
    match.headers = {{"x-tier", "[a-z]+", contract::ValueMatchType::kRegex}};
    match.query = {{"q", "[a-z ]+", contract::ValueMatchType::kRegex}};
  }
  auto& filters = route.rules[0].filters.emplace();
  filters.rate_limit =
      contract::RateLimit{1'000'000, std::chrono::seconds(1), 1'000'000, contract::RateKey::kClient, ""};
  filters.cors = contract::Cors{.origins = {"*"}, .methods = {}, .headers = {}, .expose = {}};
  filters.request_headers = contract::HeaderEdit{{{"x-a", "1"}}, {}, {"x-b"}};
  filters.rewrite = contract::Rewrite{"", contract::PathEdit{contract::PathEditType::kPrefix, "/new"}};
  delta.upserts.push_back(upsert_of(route));
  for (const char* uid : {"P1", "P2"}) {
    contract::Pool pool;
    pool.uid = uid;
    pool.algorithm = contract::Algorithm::kLeastRequests;
    for (const char* host : {"10.0.0.1", "10.0.0.2", "10.0.0.3"})
      pool.backends.push_back({.host = host, .port = 80, .weight = 2, .drain = false});
    delta.upserts.push_back(upsert_of(pool));
  }
  return delta;
}

struct Exchange {
  Arena arena;
  RequestHead request;
  ResponseHead response;
};

// One request's way through the deciding code, as headgate-shard goes it.
Outcome decide(const Tables& tables, const ThreadState& thread, Exchange& exchange) {
  static const std::vector<Prefix> kTrusted{*Prefix::parse("10.0.0.0/8")};
  auto& request = exchange.request;
  exchange.arena.reset();
  request.clear();
  request.method_text = "GET";
  request.host = "shop.a.example.com";
  request.query = "x=1&q=%61+b";
  request.headers.add({"x-tier", "edge", HeaderId::kOther});
  request.headers.add(HeaderId::kXForwardedFor, "203.0.113.9, 2001:db8::1, 10.2.2.2");
  request.path = normalise_path("/a/%7eb/../c%c3%a9", EscapedSlash::kRefuse, exchange.arena).path;
  const ClientSide side{kTrusted[0].address, "10.0.0.0", "http", 80, kTrusted};
  const auto facts = resolve_forwarded(request, side, {1, 2}, exchange.arena);
  set_forwarded(request.headers, facts);
  const auto* listener = tables.router.listener(kReached, request.host);
  const auto match = Router::match(*listener, request);
  const auto pin = thread.pin(*match.plan);
  exchange.response.clear();
  const auto verdict = policy::filter_request(pin->policy, policy::Blocks::all(),
                                              {facts, matched_path(*match.match), std::chrono::seconds(1)},
                                              request, exchange.response, exchange.arena);
  if (verdict.answered_by != policy::Filter::kNone) return Outcome::kNoForward;
  policy::filter_response(pin->policy, policy::Blocks::all(), "https://a.example", exchange.response);
  const auto forward = thread.choose(*pin);
  const auto choice = thread.choose(tables, *forward.pool, {});
  const auto outstanding = thread.outstanding(*choice.endpoint);
  return choice.outcome;
}

TEST(Allocation, ARequestIsDecidedWithoutAny) {
  TableBuilder builder(1);
  const auto tables = builder.apply(some_objects());
  const auto thread = builder.thread_state(0);
  Exchange exchange;
  ASSERT_EQ(decide(*tables, thread, exchange), Outcome::kFound);
  const std::size_t before = allocations;
  ASSERT_GT(before, 0U) << "the counter counts";
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(decide(*tables, thread, exchange), Outcome::kFound);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace headgate::l7

#endif
