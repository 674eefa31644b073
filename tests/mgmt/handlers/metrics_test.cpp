// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headgate::handlers {
namespace {

service::NodeState state_with(contract::Stats stats) {
  service::NodeState state;
  state.report.emplace();
  state.stats = {{"shard/edge/0", std::move(stats)}};
  return state;
}

TEST(Metrics, KeepSamplesOfOneNameTogether) {
  const contract::Stats stats{{{"requests_total", {{"code", "200"}}, 7}, {"open_connections", {}, 2}}};
  EXPECT_EQ(metrics_text({5, 4, 1}, {{"n1", state_with(stats)}, {"n2", state_with(stats)}}, TimePoint{}),
            "# TYPE headgate_shard_open_connections gauge\n"
            "headgate_shard_open_connections{node=\"n1\",process=\"shard/edge/0\"} 2\n"
            "headgate_shard_open_connections{node=\"n2\",process=\"shard/edge/0\"} 2\n"
            "# TYPE headgate_shard_requests_total counter\n"
            "headgate_shard_requests_total{node=\"n1\",process=\"shard/edge/0\",code=\"200\"} 7\n"
            "headgate_shard_requests_total{node=\"n2\",process=\"shard/edge/0\",code=\"200\"} 7\n"
            "# TYPE headgated_applied_revision gauge\n"
            "headgated_applied_revision 4\n"
            "# TYPE headgated_node_connected gauge\n"
            "headgated_node_connected{node=\"n1\"} 1\n"
            "headgated_node_connected{node=\"n2\"} 1\n"
            "# TYPE headgated_polls_waiting gauge\n"
            "headgated_polls_waiting 1\n"
            "# TYPE headgated_revision gauge\n"
            "headgated_revision 5\n");
}

TEST(Metrics, TellRequestsByTheirWayAndTheirDurationsAsAHistogram) {
  contract::Traffic traffic;
  traffic.listener = "web";
  traffic.route = "shop/cart";
  traffic.pool = "shop/app";
  traffic.by_class = {0, 0, 5, 0, 0, 2};
  traffic.by_duration = {3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1};
  traffic.duration_us = 14'500'250;
  contract::Stats stats;
  stats.traffic = {traffic};
  const auto text = metrics_text({}, {{"n1", state_with(stats)}}, TimePoint{});
  const std::string way =
      R"(node="n1",process="shard/edge/0",listener="web",route="shop/cart",pool="shop/app")";
  const auto bucket = [&](const std::string& bound, int count) {
    return "headgate_shard_route_request_duration_seconds_bucket{" + way + ",le=\"" + bound + "\"} " +
           std::to_string(count) + "\n";
  };
  EXPECT_THAT(
      text, testing::HasSubstr("# TYPE headgate_shard_route_request_duration_seconds histogram\n" +
                               bucket("0.001", 3) + bucket("0.002", 3) + bucket("0.005", 5) +
                               bucket("0.01", 5) + bucket("0.025", 5) + bucket("0.05", 5) + bucket("0.1", 5) +
                               bucket("0.25", 5) + bucket("0.5", 5) + bucket("1", 5) + bucket("2.5", 6) +
                               bucket("5", 6) + bucket("10", 6) + bucket("+Inf", 7) +
                               "headgate_shard_route_request_duration_seconds_sum{" + way + "} 14.500250\n" +
                               "headgate_shard_route_request_duration_seconds_count{" + way + "} 7\n"));
  EXPECT_THAT(text, testing::HasSubstr("# TYPE headgate_shard_route_requests_total counter\n"
                                       "headgate_shard_route_requests_total{" +
                                       way + ",code=\"2xx\"} 5\nheadgate_shard_route_requests_total{" + way +
                                       ",code=\"5xx\"} 2\n#"));
}

// A node of another release may count otherwise.
TEST(Metrics, ReadNoMoreThanANodeSays) {
  contract::Traffic traffic;
  traffic.by_class = {1};
  traffic.by_duration.assign(20, 1);
  contract::Stats stats;
  stats.traffic = {traffic, contract::Traffic{}};
  const auto text = metrics_text({}, {{"n1", state_with(stats)}}, TimePoint{});
  EXPECT_THAT(text, testing::HasSubstr("pool=\"\",le=\"+Inf\"} 14\n"));
}

TEST(Metrics, LetNoLabelForgeALine) {
  const contract::Stats stats{{{"a b{}\n", {{"k\"", "x\"} 1\nforged 2\\"}}, 1}}};
  const auto text = metrics_text({}, {{"n1", state_with(stats)}}, TimePoint{});
  EXPECT_THAT(text, testing::HasSubstr("headgate_shard_a_b___{node=\"n1\",process=\"shard/edge/0\","
                                       "k_=\"x\\\"} 1\\nforged 2\\\\\"} 1\n"));
}

}  // namespace
}  // namespace headgate::handlers
