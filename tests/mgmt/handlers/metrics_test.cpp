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

TEST(Metrics, LetNoLabelForgeALine) {
  const contract::Stats stats{{{"a b{}\n", {{"k\"", "x\"} 1\nforged 2\\"}}, 1}}};
  const auto text = metrics_text({}, {{"n1", state_with(stats)}}, TimePoint{});
  EXPECT_THAT(text, testing::HasSubstr("headgate_shard_a_b___{node=\"n1\",process=\"shard/edge/0\","
                                       "k_=\"x\\\"} 1\\nforged 2\\\\\"} 1\n"));
}

}  // namespace
}  // namespace headgate::handlers
