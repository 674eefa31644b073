// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/flow_chooser.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "dataplane/l4/flow_hash.hpp"
#include "tests/support/l4_snapshot.hpp"

namespace headgate::l4 {
namespace {

using test::L4Snapshot;

constexpr uint32_t kFlows = 2000;

class FlowChooserTest : public testing::Test {
 protected:
  void configure(const L4Snapshot& snapshot) {
    auto table = L4Table::build(snapshot.build(), table_.get(), now_);
    ASSERT_TRUE(table.ok()) << table.error().message;
    old_ = std::move(table_);
    table_ = std::move(table).value();
  }
  void configure(uint32_t targets) {
    configure(L4Snapshot(++revision_).listener("192.0.2.100:80").targets(targets, 1, "198.19.255.1", 2000));
  }
  static FlowKeyV4 key(uint32_t flow) {
    return {Be32(0x0a000000 + flow),
            Be32(0xc0000264),
            Be16(static_cast<uint16_t>(1024 + flow)),
            Be16(80),
            kProtocolTcp,
            {}};
  }
  // The id of the target that one packet of the flow goes to; 0: none.
  uint32_t send(uint32_t flow, FlowSignal flags) {
    const auto* target =
        chooser_.choose(*table_, 0, client_key_of(key(flow)), hash_flow(key(flow)), flags, now_);
    return target == nullptr ? 0 : target->id;
  }
  std::vector<uint32_t> send_all(FlowSignal flags) {
    std::vector<uint32_t> ids;
    for (uint32_t flow = 0; flow < kFlows; ++flow) ids.push_back(send(flow, flags));
    return ids;
  }

  TargetMask mask_;
  FlowChooser<ClientKeyV4> chooser_{8192, 77, mask_};
  std::unique_ptr<const L4Table> table_;
  std::unique_ptr<const L4Table> old_;
  contract::Revision revision_ = 0;
  Tick now_{100};
};

TEST_F(FlowChooserTest, AFloodOfSynsLeavesNothingBehind) {
  configure(4);
  const auto first = send_all(kTcpSyn);
  EXPECT_EQ(first, send_all(kTcpSyn));
  EXPECT_EQ(chooser_.flows().size(), 0u);
}

TEST_F(FlowChooserTest, ExplainsWhereTheNextPacketGoesAndRemembersNothing) {
  configure(4);
  const auto explain = [&](uint32_t flow, FlowSignal signal = 0) {
    return chooser_.explain(*table_, 0, client_key_of(key(flow)), hash_flow(key(flow)), signal, now_);
  };
  for (uint32_t flow = 0; flow < 100; ++flow) {
    const auto unknown = explain(flow);
    EXPECT_EQ(unknown.by, ChosenBy::kMaglev);
    EXPECT_EQ(unknown.target_id, send(flow, kTcpSyn));
  }
  EXPECT_EQ(chooser_.flows().size(), 0u);
  const uint32_t target = send(1, kTcpAck);
  mask_.set(target, true);
  const auto known = explain(1);
  EXPECT_EQ(known.by, ChosenBy::kFlowTable);
  EXPECT_EQ(known.target_id, target) << "an established flow stays";
  EXPECT_NE(explain(1, kDatagram).target_id, target) << "datagrams do not";
  uint32_t other = 2;
  while (explain(other).by != ChosenBy::kSteppedAround) ++other;
  EXPECT_EQ(explain(other).target_id, send(other, kTcpSyn));
  for (uint32_t id = 1; id <= 4; ++id) mask_.set(id, true);
  auto refusing = L4Snapshot(++revision_).listener("192.0.2.100:80").targets(4, 1, "198.19.255.1", 2000);
  refusing.last().when_all_down = contract::WhenAllDown::kRefuse;
  configure(refusing);
  EXPECT_EQ(explain(50).by, ChosenBy::kNobody);
  EXPECT_TRUE(explain(50).at_listener);
}

TEST_F(FlowChooserTest, DatagramsStayThroughEveryChange) {
  configure(4);
  const auto chosen = send_all(kDatagram);
  EXPECT_GT(chooser_.flows().size(), kFlows * 9 / 10);
  for (const uint32_t targets : {5u, 9u, 4u}) {
    configure(targets);
    now_ = Tick(now_.number() + 1);
    EXPECT_EQ(send_all(kDatagram), chosen) << targets;
  }
}

TEST_F(FlowChooserTest, DatagramsLeaveATargetThatIsDown) {
  configure(4);
  const auto chosen = send_all(kDatagram);
  mask_.set(2, true);
  const auto moved = send_all(kDatagram);
  for (uint32_t flow = 0; flow < kFlows; ++flow) {
    EXPECT_NE(moved[flow], 2u);
    if (chosen[flow] != 2) {
      EXPECT_EQ(moved[flow], chosen[flow]) << flow;
    }
  }
  mask_.set(2, false);
  EXPECT_EQ(send_all(kDatagram), moved) << "they stay where they have gone";
}

TEST_F(FlowChooserTest, WhereAllAreDownTheListenerSaysWhetherTheyAreTried) {
  auto snapshot = L4Snapshot(1).listener("192.0.2.100:80").targets(2, 1, "198.19.255.1", 2000);
  mask_.set(1, true);
  mask_.set(2, true);
  configure(snapshot);
  EXPECT_NE(send(1, kTcpSyn), 0u);
  snapshot.last().when_all_down = contract::WhenAllDown::kRefuse;
  configure(snapshot);
  EXPECT_EQ(send(1, kTcpSyn), 0u);
  EXPECT_EQ(send(1, kDatagram), 0u);
  EXPECT_NE(send(1, kTcpAck), 0u) << "what may be established is not cut off";
}

TEST_F(FlowChooserTest, AnEstablishedFlowStaysThroughEveryChange) {
  configure(4);
  const auto chosen = send_all(kTcpSyn);
  EXPECT_EQ(send_all(kTcpAck), chosen);
  EXPECT_EQ(send_all(kTcpAck | kTcpPsh), chosen);
  for (const uint32_t targets : {5u, 9u, 6u, 4u, 12u}) {
    configure(targets);
    now_ = Tick(now_.number() + 20);  // past the hand-over
    EXPECT_EQ(send_all(kTcpAck), chosen) << targets;
  }
}

// The handshake straddles the change: the SYN was sent before it, the first data come after it.
TEST_F(FlowChooserTest, AHandshakeUnderWayIsNotBroken) {
  configure(2);
  const auto chosen = send_all(kTcpSyn);
  ASSERT_EQ(chooser_.flows().size(), 0u);
  configure(5);
  EXPECT_EQ(send_all(kTcpAck), chosen);
}

TEST_F(FlowChooserTest, AFlowOpenedAfterAChangeStaysWhereItsSynWent) {
  configure(2);
  configure(5);
  const auto chosen = send_all(kTcpSyn);
  std::map<uint32_t, int> shares;
  for (const auto id : chosen) ++shares[id];
  EXPECT_EQ(shares.size(), 5u);  // the new targets get their share at once
  EXPECT_EQ(send_all(kTcpAck), chosen);
  EXPECT_EQ(send_all(kTcpAck | kTcpPsh), chosen);
}

TEST_F(FlowChooserTest, AMaskedTargetGetsNoNewFlowAndTheOthersKeepTheirs) {
  configure(4);
  const auto before = send_all(kTcpSyn);
  mask_.set(2, true);
  const auto after = send_all(kTcpSyn);
  std::map<uint32_t, int> taken_over;
  for (uint32_t flow = 0; flow < kFlows; ++flow) {
    ASSERT_NE(after[flow], 2u);
    if (before[flow] == 2)
      ++taken_over[after[flow]];
    else
      ASSERT_EQ(after[flow], before[flow]);
  }
  EXPECT_EQ(taken_over.size(), 3u);
  for (const auto& [id, count] : taken_over) EXPECT_NEAR(count, kFlows / 12, kFlows / 30) << id;
  // Stepping aside has been remembered: the flows stay when the target comes back.
  mask_.set(2, false);
  EXPECT_EQ(send_all(kTcpAck), after);
}

TEST_F(FlowChooserTest, AFlowOnAMaskedTargetStaysUntilItOpensAnew) {
  configure(2);
  const auto chosen = send_all(kTcpSyn);
  send_all(kTcpAck);
  mask_.set(1, true);
  EXPECT_EQ(send_all(kTcpAck), chosen);
  for (const auto id : send_all(kTcpSyn)) ASSERT_EQ(id, 2u);
}

TEST_F(FlowChooserTest, AForgedSynMovesNoEstablishedFlow) {
  configure(2);
  const auto chosen = send_all(kTcpSyn);
  send_all(kTcpAck);
  configure(7);
  EXPECT_EQ(send_all(kTcpSyn), chosen);
}

TEST_F(FlowChooserTest, WhereAllAreMaskedTheChoiceStands) {
  configure(3);
  const auto chosen = send_all(kTcpSyn);
  for (const uint32_t id : {1, 2, 3}) mask_.set(id, true);
  EXPECT_EQ(send_all(kTcpSyn), chosen);
}

TEST_F(FlowChooserTest, OfManyTheOnlyUsableTargetIsFound) {
  configure(100);
  for (uint32_t id = 1; id <= 100; ++id) mask_.set(id, id != 42);
  for (const auto id : send_all(kTcpSyn)) ASSERT_EQ(id, 42u);
}

TEST_F(FlowChooserTest, ADrainingTargetKeepsItsFlowsAndGetsNoNewOnes) {
  configure(2);
  const auto chosen = send_all(kTcpSyn);
  send_all(kTcpAck);
  configure(L4Snapshot(9)
                .listener("192.0.2.100:80")
                .target(1, "edge/0", "198.19.255.1:2000", 1, true)
                .target(2, "edge/1", "198.19.255.1:2001"));
  EXPECT_EQ(send_all(kTcpAck), chosen);
  for (const auto id : send_all(kTcpSyn)) ASSERT_EQ(id, 2u);
}

TEST_F(FlowChooserTest, AFlowWhoseTargetIsGoneIsChosenAnew) {
  configure(2);
  send_all(kTcpSyn);
  send_all(kTcpAck);
  configure(L4Snapshot(9)
                .listener("192.0.2.100:80")
                .target(5, "edge/5", "198.19.255.1:2000")
                .target(6, "edge/6", "198.19.255.1:2001"));
  for (const auto id : send_all(kTcpAck)) ASSERT_TRUE(id == 5 || id == 6);
}

// A table so small that they meet in one group: what is stored of a flow does not say which address it asked.
TEST_F(FlowChooserTest, FlowsFromOnePortToTwoListenersStayApart) {
  FlowChooser<ClientKeyV4> small{4, 77, mask_};
  const auto both = [&](uint32_t targets) {
    configure(L4Snapshot(++revision_)
                  .listener("192.0.2.100:80")
                  .targets(targets, 1, "198.19.255.1", 2000)
                  .listener("192.0.2.101:80")
                  .targets(targets, 101, "198.19.255.1", 3000));
  };
  const auto send_both = [&] {
    std::vector<uint32_t> ids;
    for (uint32_t flow = 0; flow < 4; ++flow)
      for (uint32_t listener = 0; listener < 2; ++listener) {
        FlowKeyV4 asked = key(flow);
        asked.dst = Be32(0xc0000264 + listener);
        const auto* target =
            small.choose(*table_, listener, client_key_of(asked), hash_flow(asked), kTcpAck, now_);
        EXPECT_EQ(target->listener, listener);
        ids.push_back(target->id);
      }
    return ids;
  };
  both(4);
  const auto chosen = send_both();
  EXPECT_EQ(send_both(), chosen);  // heard again: established
  EXPECT_EQ(small.flows().size(), 8u);
  for (const uint32_t targets : {9u, 5u, 12u}) {
    both(targets);
    now_ = Tick(now_.number() + 20);  // past the hand-over
    EXPECT_EQ(send_both(), chosen) << targets;
  }
}

TEST_F(FlowChooserTest, WithoutATargetThereIsNone) {
  configure(0);
  EXPECT_EQ(send(1, kTcpSyn), 0u);
  EXPECT_EQ(send(1, kTcpAck), 0u);
}

TEST_F(FlowChooserTest, LookingUpRemembersNothing) {
  configure(4);
  const auto chosen = send_all(kTcpSyn);
  for (uint32_t flow = 0; flow < kFlows; ++flow)
    ASSERT_EQ(chooser_.look_up(*table_, 0, client_key_of(key(flow)), hash_flow(key(flow)), now_)->id,
              chosen[flow]);
  EXPECT_EQ(chooser_.flows().size(), 0u);
}

TEST_F(FlowChooserTest, AClosedFlowIsSoonForgotten) {
  configure(2);
  send(1, kTcpAck);
  send(1, kTcpAck);
  send(1, kTcpFin | kTcpAck);
  send(1, kTcpAck);  // of the last FIN
  now_ = Tick(now_.number() + FlowEntry::lifetime_ticks(FlowState::kClosing) + 1);
  chooser_.flows().sweep(chooser_.flows().bucket_count(), now_);
  EXPECT_EQ(chooser_.flows().size(), 0u);
}

TEST_F(FlowChooserTest, BySourceAllOfOneClientsFlowsGoToOneTarget) {
  auto snapshot = L4Snapshot(++revision_).listener("192.0.2.100:80").targets(4, 1, "198.19.255.1", 2000);
  snapshot.last().balance = contract::FlowBalance::kSource;
  configure(snapshot);
  std::set<uint32_t> all;
  for (uint32_t client = 0; client < 100; ++client) {
    std::set<uint32_t> ids;
    for (uint16_t port = 1024; port < 1044; ++port) {
      const FlowKeyV4 flow{
          Be32(0x0a000000 + client), Be32(0xc0000264), Be16(port), Be16(80), kProtocolTcp, {}};
      ids.insert(chooser_.choose(*table_, 0, client_key_of(flow), hash_flow(flow), kTcpSyn, now_)->id);
    }
    EXPECT_EQ(ids.size(), 1u) << client;
    all.merge(ids);
  }
  EXPECT_EQ(all.size(), 4u);
  EXPECT_EQ(chooser_.flows().size(), 0u) << "nothing need be remembered";
}

TEST_F(FlowChooserTest, InTurnsEachTargetGetsItsShareExactlyAndFlowsStay) {
  auto snapshot = L4Snapshot(++revision_)
                      .listener("192.0.2.100:80")
                      .target(1, "a", "198.19.255.1:2000", 3)
                      .target(2, "b", "198.19.255.1:2001", 1);
  snapshot.last().balance = contract::FlowBalance::kRoundRobin;
  configure(snapshot);
  const auto first = send_all(kTcpSyn);
  const auto to_a = static_cast<double>(std::count(first.begin(), first.end(), 1u));
  EXPECT_NEAR(to_a, kFlows * 0.75, kFlows * 0.01);
  // Spread evenly: of any few in a row about three quarters.
  for (std::size_t from = 0; from + 40 <= first.size(); from += 40)
    EXPECT_NEAR(static_cast<double>(std::count(first.begin() + static_cast<std::ptrdiff_t>(from),
                                               first.begin() + static_cast<std::ptrdiff_t>(from) + 40, 1u)),
                30, 6);
  EXPECT_EQ(first, send_all(kTcpSyn)) << "a SYN that is sent again";
  EXPECT_EQ(first, send_all(kTcpAck));
  const auto new_flow = key(kFlows + 1);
  const auto explained = chooser_.explain(*table_, 0, client_key_of(new_flow), hash_flow(new_flow), 0, now_);
  EXPECT_EQ(explained.by, ChosenBy::kTurn);
  EXPECT_EQ(explained.target_id, send(kFlows + 1, kTcpSyn));
}

TEST_F(FlowChooserTest, ABackupServesWhileAllBeforeItAreDown) {
  auto snapshot = L4Snapshot(++revision_).listener("192.0.2.100:80").targets(5, 1, "198.19.255.1", 2000);
  auto& targets = snapshot.last().targets;
  targets[2].priority = targets[3].priority = 1;
  targets[4].priority = 2;
  configure(snapshot);
  const auto used = [&] {
    const auto ids = send_all(kTcpSyn);
    return std::set<uint32_t>(ids.begin(), ids.end());
  };
  EXPECT_EQ(used(), (std::set<uint32_t>{1, 2}));
  mask_.set(1, true);
  EXPECT_EQ(used(), (std::set<uint32_t>{2}));
  mask_.set(2, true);
  EXPECT_EQ(used(), (std::set<uint32_t>{3, 4}));
  EXPECT_GT(chooser_.flows().size(), 0u) << "they stay there when the others are back";
  mask_.set(3, true);
  mask_.set(4, true);
  EXPECT_EQ(send(kFlows + 1, kTcpSyn), 5u);
  mask_.set(5, true);
  EXPECT_EQ(send(kFlows + 2, kTcpSyn), send(kFlows + 2, kTcpAck)) << "all are tried: the first choice";
}

TEST_F(FlowChooserTest, ATargetThatStartsSlowlyTakesItsShareOfWhatFallsToIt) {
  configure(2);
  mask_.set_share(1, 64);  // a quarter
  const auto ids = send_all(kTcpSyn);
  EXPECT_NEAR(static_cast<double>(std::count(ids.begin(), ids.end(), 1u)), kFlows / 5.0, kFlows * 0.03)
      << "one of 1 + 4";
  const auto before = chooser_.flows().size();
  EXPECT_GT(before, 0u) << "those that went elsewhere stay there";
  mask_.set_share(1, TargetMask::kAll);
  EXPECT_EQ(ids, send_all(kTcpAck));
}

}  // namespace
}  // namespace headgate::l4
