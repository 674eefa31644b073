// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/state_records.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace headgate::node {
namespace {

contract::Snapshot snapshot_of(contract::Revision revision, const std::vector<std::string>& pools) {
  contract::Snapshot snapshot{.revision = revision, .objects = {}};
  for (const auto& name : pools) {
    contract::Pool pool;
    pool.name = name;
    snapshot.objects[{"shard/a", contract::Kind::kPool, name}] =
        std::make_shared<const contract::Object>(std::move(pool));
  }
  return snapshot;
}

class StateRecordsTest : public testing::Test {
 protected:
  const contract::Snapshot one_ = snapshot_of(1, {"a"}), two_ = snapshot_of(2, {"a", "b"}),
                           three_ = snapshot_of(3, {"b"});
  const EncodedBase base_ = encode_base(one_);
  const std::string to_two_ = encode_log_record(diff(one_, two_), base_.checksum);
  const std::string to_three_ = encode_log_record(diff(two_, three_), base_.checksum);
};

TEST_F(StateRecordsTest, BaseAndLogGiveTheLastState) {
  const auto state = load_state(base_.record, to_two_ + to_three_);
  ASSERT_TRUE(state.ok());
  EXPECT_TRUE(state->snapshot == three_);
  EXPECT_EQ(state->log_good_bytes, to_two_.size() + to_three_.size());
  EXPECT_EQ(state->warning, "");
}

TEST_F(StateRecordsTest, ATailTornAtAnyByteIsIgnored) {
  for (std::size_t kept = 0; kept < to_three_.size(); ++kept) {
    const auto state = load_state(base_.record, to_two_ + to_three_.substr(0, kept));
    ASSERT_TRUE(state.ok());
    ASSERT_TRUE(state->snapshot == two_) << kept;
    ASSERT_EQ(state->log_good_bytes, to_two_.size());
    ASSERT_EQ(state->warning.empty(), kept == 0);
  }
}

TEST_F(StateRecordsTest, AFlippedBitAnywhereInTheLogEndsItThere) {
  for (std::size_t at = 0; at < to_two_.size(); ++at) {
    auto log = to_two_ + to_three_;
    log[at] = static_cast<char>(log[at] ^ 0x10);
    const auto state = load_state(base_.record, log);
    ASSERT_TRUE(state.ok());
    ASSERT_TRUE(state->snapshot == one_) << at;
  }
}

TEST_F(StateRecordsTest, ADamagedBaseIsAnError) {
  for (std::size_t at = 0; at < base_.record.size(); ++at) {
    auto base = base_.record;
    base[at] = static_cast<char>(base[at] ^ 0x01);
    ASSERT_FALSE(load_state(base, to_two_).ok()) << at;
  }
  EXPECT_FALSE(load_state("", "").ok());
  EXPECT_FALSE(load_state(base_.record + "x", "").ok());
}

TEST_F(StateRecordsTest, ALogOfAnEarlierBaseIsNotReplayed) {
  const auto newer = encode_base(snapshot_of(1, {"other history"}));
  const auto state = load_state(newer.record, to_two_);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->snapshot.revision, 1u);
  EXPECT_EQ(state->log_good_bytes, 0u);
}

}  // namespace
}  // namespace headgate::node
