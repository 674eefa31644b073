// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/flow_file.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "dataplane/l4/pipeline.hpp"
#include "tests/support/l4_snapshot.hpp"
#include "tests/support/packet_builder.hpp"

namespace headgate::fastpath {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::size_t kFlows = 1024;
constexpr TimePoint kOpened{5000s};

class FlowFileTest : public testing::Test {
 protected:
  FlowFileTest() {
    std::string name = (fs::temp_directory_path() / "headgate-flows-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~FlowFileTest() override { fs::remove_all(directory_); }
  fs::path path() const { return directory_ / "worker-0"; }
  FlowFile open(TimePoint now, std::size_t flows = kFlows) {
    auto file = FlowFile::open(path(), {flows, ports_}, ++secrets_, now);
    EXPECT_TRUE(file.ok()) << file.error().message;
    return std::move(file).value();
  }

  fs::path directory_;
  l4::NatPorts ports_;
  uint64_t secrets_ = 0;  // each another
};

TEST_F(FlowFileTest, BelongsToOneProcessAtATime) {
  const auto file = open(kOpened);
  EXPECT_FALSE(file.found_flows());
  EXPECT_EQ(FlowFile::open(path(), {kFlows}, 1, kOpened).error().code, ErrorCode::kConflict);
}

TEST_F(FlowFileTest, KeepsItsSecretOverARestart) {
  const auto secret = open(kOpened).secret();
  const auto again = open(kOpened + 10s);
  EXPECT_TRUE(again.found_flows());
  EXPECT_EQ(again.secret(), secret);
}

TEST_F(FlowFileTest, WhatDoesNotFitIsGivenUp) {
  const auto secret = open(kOpened).secret();
  const auto given_up = [&](const FlowFile& file) { return !file.found_flows() && file.secret() != secret; };
  EXPECT_TRUE(given_up(open(kOpened, 2 * kFlows))) << "another size";
  open(kOpened);
  ports_.workers = 2;
  EXPECT_TRUE(given_up(open(kOpened))) << "flows by other ports";
  open(kOpened);
  EXPECT_TRUE(given_up(open(kOpened + FlowFile::kKeptFor + 1s))) << "nobody kept it up to date";
  open(kOpened);
  EXPECT_TRUE(given_up(open(kOpened - 1s))) << "of another boot, or of the future";
  open(kOpened);
  std::fstream(path(), std::ios::in | std::ios::out | std::ios::binary).seekp(8).put('\x7f');
  EXPECT_TRUE(given_up(open(kOpened))) << "another layout";
  std::ofstream(path(), std::ios::trunc) << "rubbish";
  EXPECT_TRUE(given_up(open(kOpened)));
}

TEST_F(FlowFileTest, OneThatIsTouchedStays) {
  {
    auto file = open(kOpened);
    file.touch(kOpened + FlowFile::kKeptFor);
  }
  EXPECT_TRUE(open(kOpened + FlowFile::kKeptFor + 10s).found_flows());
}

TEST_F(FlowFileTest, AFileThatCannotBeHadSaysWhy) {
  EXPECT_NE(
      FlowFile::open(directory_ / "missing" / "x", {kFlows}, 1, kOpened).error().message.find("missing"),
      std::string::npos);
}

// Two targets; a flow is on one of them; that one drains: who does not know the flow would send it to the
// other.
TEST_F(FlowFileTest, APipelineKnowsTheFlowsOfTheOneBefore) {
  for (const bool v6 : {false, true}) {
    const char* client = v6 ? "2001:db8::2" : "192.0.2.2";
    const char* vip = v6 ? "2001:db8::100" : "192.0.2.100";
    const char* local = v6 ? "fd68:6764:7465::1" : "198.19.255.1";
    const auto table_of = [&](bool first_drains, const l4::L4Table* previous) {
      auto snapshot = test::L4Snapshot(1).listener(Endpoint{*IpAddress::parse(vip), 80}.to_string());
      for (const uint32_t id : {1u, 2u})
        snapshot.target(id, "edge/" + std::to_string(id),
                        Endpoint{*IpAddress::parse(local), static_cast<uint16_t>(2000 + id)}.to_string(), 1,
                        id == 1 && first_drains);
      auto table = l4::L4Table::build(snapshot.build(), previous, l4::Tick::at(kOpened));
      EXPECT_TRUE(table.ok());
      return std::move(table).value();
    };
    const l4::TargetMask mask;
    const l4::NextHops next_hops;
    const l4::RouteTable routes;
    const auto send = [&](l4::Pipeline& pipeline, const l4::L4Table& table, uint16_t port) {
      auto bytes = test::Packet().ip(client, vip).tcp(port, 80).build();
      l4::PacketView view{.data = bytes.data(), .length_bytes = static_cast<uint16_t>(bytes.size())};
      l4::Verdict verdict;
      pipeline.from_uplink({table, routes}, {&view, 1}, {&verdict, 1}, kOpened);
      return verdict.target_id;
    };
    const auto before = table_of(false, nullptr);
    uint16_t port = 1;
    {
      const auto file = open(kOpened);
      l4::Pipeline pipeline({.flows = kFlows, .secret = file.secret(), .flow_file = file.room()}, mask,
                            next_hops);
      while (send(pipeline, *before, port) != 1) ++port;
    }
    const auto after = table_of(true, nullptr);  // no hand-over: the process is another
    {
      const auto file = open(kOpened);
      l4::Pipeline pipeline({.flows = kFlows, .secret = file.secret(), .flow_file = file.room()}, mask,
                            next_hops);
      EXPECT_GT(pipeline.counts().flows_held, 0u);
      EXPECT_EQ(send(pipeline, *after, port), 1u) << "it stays where it is";
    }
    fs::remove(path());
    const auto file = open(kOpened);
    l4::Pipeline pipeline({.flows = kFlows, .secret = file.secret(), .flow_file = file.room()}, mask,
                          next_hops);
    EXPECT_EQ(send(pipeline, *after, port), 2u) << "who does not know it";
  }
}

}  // namespace
}  // namespace headgate::fastpath
