// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/node_plan.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace headgate::node {
namespace {

IpAddress address(const char* text) { return *IpAddress::parse(text); }

contract::Snapshot snapshot() {
  contract::Snapshot snapshot{.revision = 1, .objects = {}};
  const auto put = [&](const std::string& audience, const std::string& id, contract::Object object) {
    const auto kind = contract::kind_of(object);
    snapshot.objects[{audience, kind, id}] = std::make_shared<const contract::Object>(std::move(object));
  };
  put("node", "n1",
      contract::NodeSettings{.name = "n1",
                             .local_address_v4 = address("198.19.255.1"),
                             .local_address_v6 = address("fd68:6764:7465::1"),
                             .drain = false});
  put("node", "edge",
      contract::ReplicaGroup{.shard = "edge",
                             .shard_uid = "u",
                             .replicas = 2,
                             .threads = 2,
                             .user_number = 7,
                             .memory_max_bytes = 1,
                             .connections_max = 100,
                             .sockets = {{address("192.0.2.100"), 80, {1024, 1025}},
                                         {address("2001:db8::100"), 80, {1026, 1027}}}});
  put("l4", "tcp/192.0.2.100:80",
      contract::L4Listener{.address = address("192.0.2.100"),
                           .port = 80,
                           .protocol = contract::Protocol::kTcp,
                           .forwarding = contract::Forwarding::kLocal,
                           .targets = {}});
  return snapshot;
}

TEST(NodePlan, EachReplicaListensOnTheVipAndOnItsOwnLocalPortOnceAThread) {
  const auto plan = plan_of(snapshot());
  ASSERT_EQ(plan.replicas.size(), 2u);
  const auto& second = plan.replicas.at("shard/edge/1");
  EXPECT_EQ(second.index, 1u);
  EXPECT_EQ(second.audience, "shard/edge");
  const Endpoint vip{address("192.0.2.100"), 80};
  const Endpoint local{address("198.19.255.1"), 1025};
  const Endpoint vip6{address("2001:db8::100"), 80};
  const Endpoint local6{address("fd68:6764:7465::1"), 1027};
  const std::vector<contract::Socket> expected{
      {vip, vip, 0, false},   {vip, vip, 1, false},   {vip, local, 0, false},   {vip, local, 1, false},
      {vip6, vip6, 0, false}, {vip6, vip6, 1, false}, {vip6, local6, 0, false}, {vip6, local6, 1, false}};
  EXPECT_EQ(second.sockets.size(), expected.size());
  for (const auto& socket : expected)
    EXPECT_NE(std::find(second.sockets.begin(), second.sockets.end(), socket), second.sockets.end())
        << socket.bound.to_string();
}

TEST(NodePlan, AShardThatOthersPassRequestsOnToHasAHopSocket) {
  auto with_hop = snapshot();
  const contract::ObjectKey key{"node", contract::Kind::kReplicaGroup, "edge"};
  auto group = std::get<contract::ReplicaGroup>(*with_hop.objects.at(key));
  EXPECT_TRUE(shards_with_hop(plan_of(with_hop)).empty());
  group.hop_peers = {{"central", 3}};
  with_hop.objects[key] = std::make_shared<const contract::Object>(group);
  const auto plan = plan_of(with_hop);
  EXPECT_EQ(shards_with_hop(plan), std::set<std::string>{"edge"});
  for (const auto& [name, replica] : plan.replicas) {
    EXPECT_EQ(replica.hop_peers, std::set<std::string>{"central"});
    EXPECT_EQ(std::count_if(replica.sockets.begin(), replica.sockets.end(),
                            [](const auto& socket) { return socket.hop; }),
              1);
  }
}

TEST(NodePlan, VipsAreWhatL4TakesPacketsFor) {
  const auto plan = plan_of(snapshot());
  EXPECT_EQ(plan.vips, std::set<IpAddress>{address("192.0.2.100")});
  EXPECT_EQ(plan.local_addresses.size(), 2u);
}

TEST(NodePlan, AnEmptySnapshotWantsNothing) {
  const auto plan = plan_of({});
  EXPECT_TRUE(plan.replicas.empty());
  EXPECT_TRUE(plan.vips.empty());
}

TEST(ReplicaHealth, AReplicaIsMaskedOnlyWhileAnotherOfItsShardServes) {
  NodePlan plan;
  const Endpoint local{address("198.19.255.1"), 1024};
  for (const char* name : {"edge/0", "edge/1", "alone/0"}) {
    plan.replicas["shard/" + std::string(name)].shard =
        std::string(name).substr(0, std::string(name).find('/'));
    plan.l4_targets[name] = {local};
  }
  const auto usable = [&](const std::string& serving, const std::string& name) {
    const auto view = replica_health(plan, [&](const std::string& process) { return process == serving; });
    return view.at({"l4", name}).endpoints.at(0).usable;
  };
  EXPECT_TRUE(usable("shard/edge/0", "edge/0"));
  EXPECT_FALSE(usable("shard/edge/0", "edge/1"));
  EXPECT_TRUE(usable("shard/edge/0", "alone/0"));
  EXPECT_TRUE(usable("none", "edge/0")) << "its sockets are open: better to wait than to be refused";
}

TEST(NodePlan, FileNamesLeadBackToProcesses) {
  for (const std::string process : {"l4", "shard/edge/0", "shard/a-0/12", "shard/a-0-b/3"})
    EXPECT_EQ(process_of_file_name(file_name_of_process(process)), process);
  for (const std::string name : {"", "shard", "shard-", "shard--", "shard-1", "shard-edge-", "other-edge-0"})
    EXPECT_EQ(process_of_file_name(name), "") << name;
}

TEST(NodePlan, AudienceOfAProcess) {
  EXPECT_EQ(audience_of_process("l4"), "l4");
  EXPECT_EQ(audience_of_process("shard/edge/0"), "shard/edge");
}

}  // namespace
}  // namespace headgate::node
