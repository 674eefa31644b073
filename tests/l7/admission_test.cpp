// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/admission.hpp"

#include <gtest/gtest.h>

#include "tests/l7/pool_fixture.hpp"

namespace headgate::l7 {
namespace {

ConnectVerdict verdict(uint32_t connections, uint32_t waiting, bool in_turn) {
  PoolCell cell;
  cell.connections = connections;
  cell.waiting = waiting;
  return admit_connect({.connections_max = 2, .waiting_max = 3, .requests_max = 0}, cell, in_turn);
}

TEST(Admission, ConnectionsUpToTheLimitThenAQueueThenNo) {
  EXPECT_EQ(verdict(1, 0, false), ConnectVerdict::kConnect);
  EXPECT_EQ(verdict(2, 0, false), ConnectVerdict::kWait);
  EXPECT_EQ(verdict(2, 2, false), ConnectVerdict::kWait);
  EXPECT_EQ(verdict(2, 3, false), ConnectVerdict::kRefuse);
}

TEST(Admission, WhoComesNewStandsBehindThoseWhoWait) {
  EXPECT_EQ(verdict(1, 1, false), ConnectVerdict::kWait);
  EXPECT_EQ(verdict(1, 1, true), ConnectVerdict::kConnect);
  EXPECT_EQ(verdict(2, 3, true), ConnectVerdict::kWait) << "woken in vain it is not refused";
}

TEST(Admission, WithoutALimitNothingWaits) {
  PoolCell cell;
  cell.connections = cell.waiting = cell.requests = 1'000'000;
  EXPECT_EQ(admit_connect({}, cell, false), ConnectVerdict::kConnect);
  EXPECT_TRUE(admits_request({}, cell));
  EXPECT_FALSE(admits_request({.requests_max = 1'000'000}, cell));
}

TEST(Admission, AReplicasLimitIsDividedAmongItsThreads) {
  contract::Pool object;
  object.circuit_breaker.connections_max = 10;
  object.circuit_breaker.pending_max = 3;
  Keeper<PoolIdentity> pools(4);
  Keeper<PoolEndpoint> endpoints(4);
  const auto pool = compile_pool(std::make_shared<const contract::Pool>(object), pools.keep({"P", 0}), {},
                                 nullptr, endpoints, TimePoint{});
  EXPECT_EQ(pool->limits.connections_max, 2U);
  EXPECT_EQ(pool->limits.waiting_max, 1U) << "at least one";
  EXPECT_EQ(pool->limits.requests_max, 0U) << "no limit stays none";
}

}  // namespace
}  // namespace headgate::l7
