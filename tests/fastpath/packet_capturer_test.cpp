// SPDX-License-Identifier: Apache-2.0
// A worker between ports of pcap files, in this process, and the capture that listens to it: what the control
// thread and the worker do in turn is done here by one.
#include "dataplane/fastpath/packet_capturer.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/fastpath/eal.hpp"
#include "tests/support/l4_snapshot.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/pcap_file.hpp"
#include "tests/support/pcapng_file.hpp"

namespace headgate::fastpath {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::Bytes;
using test::Packet;
using testing::HasSubstr;

constexpr TimePoint kBegun{1000s};
constexpr MacAddress kUplinkMac{2, 0, 0, 0, 0, 0x10};
constexpr MacAddress kBackend{2, 0, 0, 0, 0, 0x20};
constexpr MacAddress kClient{2, 0, 0, 0, 0, 2};

Bytes to_our_mac(Bytes frame) {
  store_mac(frame.data(), load_mac(kUplinkMac.data()));
  return frame;
}

class PacketCapturerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Options options;
    options.pages = Pages::kSmall;
    auto eal = Eal::start(options, "");
    ASSERT_TRUE(eal.ok()) << eal.error().message;
    eal_ = std::make_unique<Eal>(std::move(*eal));
  }
  static void TearDownTestSuite() { eal_.reset(); }

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "headgate-capture-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    capturer_.reset();
    workers_.clear();
    keeper_.reset();
    for (auto* port : {&uplink_, &host_})
      if (*port) (*port)->close();
    uplink_.reset();
    host_.reset();
    fs::remove_all(directory_);
  }

  // A worker whose ports are going to receive these.
  void set_up(const std::vector<Bytes>& uplink, const std::vector<Bytes>& host) {
    const auto open = [&](const std::string& role, const std::vector<Bytes>& frames) {
      const auto in = (directory_ / (role + "-in.pcap")).string();
      test::write_pcap(in, frames);
      return Port::open_vdev(role, "net_pcap_" + role, "rx_pcap=" + in + ",tx_pcap=" + in + ".out");
    };
    auto uplink_port = open("uplink", uplink);
    ASSERT_TRUE(uplink_port.ok()) << uplink_port.error().message;
    uplink_ = std::make_unique<Port>(std::move(*uplink_port));
    auto host_port = open("host", host);
    ASSERT_TRUE(host_port.ok()) << host_port.error().message;
    host_ = std::make_unique<Port>(std::move(*host_port));
    keeper_ = std::make_unique<TableKeeper>(1, NextHopKeeper({{*IpAddress::parse("192.0.2.21"), kBackend},
                                                              {*IpAddress::parse("192.0.2.2"), kClient}}));
    const auto snapshot = test::L4Snapshot(1)
                              .listener("192.0.2.100:80")
                              .target(1, "edge/0", "198.19.255.1:2000")
                              .listener("192.0.2.100:53")
                              .udp()
                              .forwarded("pool")
                              .target(2, "192.0.2.21:53", "192.0.2.21:53")
                              .listener("192.0.2.100:90")
                              .forwarded("other", contract::Forwarding::kNat)
                              .target(3, "192.0.2.21:8080", "192.0.2.21:8080")
                              .build();
    ASSERT_TRUE(keeper_->configure(contract::full(snapshot), kBegun).ok());
    workers_.push_back(std::make_unique<Worker>(
        WorkerPorts{uplink_->queue(0), host_->queue(0), {}}, keeper_->reads(0),
        l4::PipelineOptions{.flows = 64, .secret = 1, .uplink_mac = kUplinkMac}, PollMode::kBusy));
    capturer_ = std::make_unique<PacketCapturer>(workers_, *keeper_);
  }
  void turn() {
    while (workers_[0]->turn() > 0) {
    }
  }
  static contract::CaptureQuestion question() {
    return {.id = "q",
            .listener = "web",
            .reached = *Endpoint::parse("192.0.2.100:80"),
            .filter = {},
            .count = 100,
            .duration = 10s,
            .snap_bytes = 2048};
  }
  void begin(const contract::CaptureQuestion& asked, const std::string& id = "c1") {
    capturer_->begin({.id = id, .verb = "capture", .body = contract::encode(asked)}, kBegun);
  }
  std::optional<contract::CaptureAnswer> look(TimePoint now, const std::string& id = "c1") {
    const auto result = capturer_->look(now);
    if (!result) return std::nullopt;
    EXPECT_TRUE(result->ok) << result->body;
    EXPECT_EQ(result->id, id);
    const auto answer = contract::decode_capture_answer(result->body);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer.ok() ? std::optional(*answer) : std::nullopt;
  }
  // After its time is over.
  contract::CaptureAnswer answer() {
    EXPECT_FALSE(look(kBegun + 10s));
    workers_[0]->turn();  // it sees that nobody captures any more
    auto answered = look(kBegun + 10s);
    EXPECT_TRUE(answered);
    return answered.value_or(contract::CaptureAnswer{});
  }

  static inline std::unique_ptr<Eal> eal_;
  fs::path directory_;
  std::unique_ptr<Port> uplink_, host_;
  std::unique_ptr<TableKeeper> keeper_;
  Workers workers_;
  std::unique_ptr<PacketCapturer> capturer_;
};

TEST_F(PacketCapturerTest, WritesDownWhatComesAndWhatGoes) {
  const Bytes came = Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).payload("GET /").build();
  const Bytes wrong = Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).wrong_checksum().build();
  const Bytes answered = Packet().ipv4("198.19.255.1", "192.0.2.2").tcp(2000, 40'000).payload("200").build();
  const Bytes others = Packet().ipv4("192.0.2.2", "192.0.2.10").tcp(40'000, 22).build();
  set_up({came, others, wrong}, {answered});
  begin(question());
  turn();
  const auto told = answer();
  EXPECT_EQ(told.ended_by, contract::CaptureEnd::kDuration);
  EXPECT_EQ(told.packets, 3u);
  EXPECT_EQ(told.lost, 0u);
  const auto read = test::read_pcapng(told.pcapng.value);
  EXPECT_EQ(read.fault, "");
  EXPECT_EQ(read.comment,
            "3 packets of listener web, each as received and as sent, by their first 2048 bytes; 0 more "
            "lost; ended by "
            "seconds");
  ASSERT_EQ(read.packets.size(), 5u);
  struct Row {
    const char* interface;
    uint32_t direction;
    const char* comment;
    Bytes frame;
  };
  const Row rows[] = {
      {"uplink", 1, "", came},
      {"uplink", 1, "dropped: transport_checksum_wrong", wrong},
      {"host", 1, "", answered},
      {"host", 2, "to edge/0 by local",
       Packet().ipv4("192.0.2.2", "198.19.255.1").tcp(40'000, 2000).payload("GET /").build()},
      {"uplink", 2, "from edge/0 by local",
       Packet().ipv4("192.0.2.100", "192.0.2.2").tcp(80, 40'000).payload("200").build()},
  };
  for (const auto& row : rows)
    EXPECT_TRUE(std::any_of(read.packets.begin(), read.packets.end(),
                            [&](const test::ReadPacket& packet) {
                              return packet.interface == row.interface && packet.direction == row.direction &&
                                     packet.comment == row.comment && packet.beginning == row.frame;
                            }))
        << row.interface << " " << row.direction << " " << row.comment;
  for (std::size_t i = 1; i < read.packets.size(); ++i)
    EXPECT_LE(read.packets[i - 1].unix_ns, read.packets[i].unix_ns);
  EXPECT_LT(std::abs(read.packets[0].unix_ns - unix_time_ns()), std::chrono::nanoseconds(1h).count());
  EXPECT_EQ(law_deficit(workers_[0]->read_counters()), 0u);
}

TEST_F(PacketCapturerTest, WhatGoesToABackendLeavesByTheUplink) {
  const auto question_frame = Packet().ipv4("192.0.2.2", "192.0.2.100").udp(40'000, 53).payload("question");
  set_up({to_our_mac(question_frame.build()), to_our_mac(Packet(question_frame).ttl(1).build())}, {});
  auto asked = question();
  asked.reached = *Endpoint::parse("192.0.2.100:53");
  asked.protocol = contract::Protocol::kUdp;
  begin(asked);
  turn();
  const auto read = test::read_pcapng(answer().pcapng.value);
  ASSERT_EQ(read.packets.size(), 4u);
  EXPECT_EQ(read.packets[2].interface, "uplink");
  EXPECT_EQ(read.packets[2].direction, 2u);
  EXPECT_EQ(read.packets[2].comment, "to 192.0.2.21:53 by dsr");
  EXPECT_EQ(load_mac(read.packets[2].beginning.data()), load_mac(kBackend.data()));
  EXPECT_EQ(read.packets[3].comment, "answered by headgate-l4");
}

// By nat the answer comes in by the uplink, too, and is the listener's by its flow.
TEST_F(PacketCapturerTest, AnAnswerThatPassesUsAgainIsTheListeners) {
  const Bytes answered = Packet().ipv4("192.0.2.21", "192.0.2.2").tcp(8080, 40'000).payload("200").build();
  const Bytes others = Packet().ipv4("192.0.2.21", "192.0.2.2").tcp(8081, 40'000).payload("200").build();
  set_up({to_our_mac(answered), to_our_mac(others)}, {});
  auto asked = question();
  asked.reached = *Endpoint::parse("192.0.2.100:90");
  begin(asked);
  turn();
  const auto read = test::read_pcapng(answer().pcapng.value);
  ASSERT_EQ(read.packets.size(), 2u);
  EXPECT_EQ(read.packets[0].beginning, to_our_mac(answered));
  EXPECT_EQ(read.packets[1].interface, "uplink");
  EXPECT_EQ(read.packets[1].comment, "from 192.0.2.21:8080 by nat");
  EXPECT_EQ(load_mac(read.packets[1].beginning.data()), load_mac(kClient.data()));
}

TEST_F(PacketCapturerTest, EndsByTheCountAndThenNothingMoreIsTaken) {
  const std::vector<Bytes> burst(40, Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).build());
  set_up(burst, {});
  auto asked = question();
  asked.count = 3;
  begin(asked);
  turn();
  EXPECT_FALSE(look(kBegun));
  workers_[0]->turn();
  const auto told = look(kBegun);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ended_by, contract::CaptureEnd::kCount);
  EXPECT_EQ(told->packets, 3u);
  EXPECT_EQ(told->lost, 36u);  // four found room
  EXPECT_EQ(test::read_pcapng(told->pcapng.value).packets.size(), 6u);
  EXPECT_FALSE(capturer_->is_busy());
  EXPECT_EQ(workers_[0]->read_counters()[kTxHostPackets], 40u);
}

TEST_F(PacketCapturerTest, TheFileIsBounded) {
  // Two frames each of 1500 bytes and more: not 2000 of them go into 4 MiB.
  const std::vector<Bytes> many(
      2000,
      Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).payload(std::string(1446, 'x')).build());
  set_up(many, {});
  auto asked = question();
  asked.count = limits::kCapturePacketsMax;
  begin(asked);
  std::optional<contract::CaptureAnswer> told;
  while (workers_[0]->turn() > 0)
    if (auto answered = look(kBegun)) told = std::move(answered);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ended_by, contract::CaptureEnd::kBytes);
  EXPECT_LT(told->pcapng.value.size(), limits::kCaptureFileBytesMax + 1000);
  EXPECT_GT(told->pcapng.value.size(), limits::kCaptureFileBytesMax - 5000);
  EXPECT_EQ(test::read_pcapng(told->pcapng.value).packets.size(), 2 * told->packets);
}

TEST_F(PacketCapturerTest, OneAtATimeAndTheNextAfterIt) {
  set_up({}, {});
  begin(question());
  begin(question(), "c2");
  const auto refused = look(kBegun, "c2");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->refusal, contract::CaptureRefusal::kUnderWay);
  EXPECT_EQ(refused->reason, "a capture of listener web is under way");
  workers_[0]->turn();
  EXPECT_EQ(answer().packets, 0u);
  begin(question(), "c3");
  EXPECT_FALSE(look(kBegun, "c3"));
}

TEST_F(PacketCapturerTest, EndsWhereNobodyWaits) {
  set_up({}, {});
  auto another = question();
  another.id = "another";
  begin(question());
  capturer_->end({.id = "e1", .verb = "end_capture", .body = contract::encode(another)});
  EXPECT_EQ(capturer_->look(kBegun)->id, "e1");
  workers_[0]->turn();
  EXPECT_FALSE(capturer_->look(kBegun)) << "it was about another";
  capturer_->end({.id = "e2", .verb = "end_capture", .body = contract::encode(question())});
  EXPECT_EQ(capturer_->look(kBegun)->id, "e2");
  workers_[0]->turn();
  const auto told = look(kBegun);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ended_by, contract::CaptureEnd::kStopped);
  EXPECT_FALSE(capturer_->is_busy());
}

// The worker may look at a tap at any moment before it has said that it no longer does.
TEST_F(PacketCapturerTest, WaitsUntilTheWorkerHasLetGo) {
  set_up({}, {});
  begin(question());
  capturer_->abandon();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(capturer_->look(kBegun + 1h));
    EXPECT_TRUE(capturer_->is_busy());
  }
  workers_[0]->turn();
  EXPECT_TRUE(capturer_->look(kBegun));
}

TEST_F(PacketCapturerTest, AFilterThatIsNoneIsRefusedWithTheReason) {
  set_up({}, {});
  auto asked = question();
  asked.filter = "tcp port";
  begin(asked);
  const auto refused = look(kBegun);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->refusal, contract::CaptureRefusal::kFilterInvalid);
  EXPECT_THAT(refused->reason, HasSubstr("syntax error"));
  capturer_->begin({.id = "c2", .verb = "capture", .body = "{"}, kBegun);
  const auto result = capturer_->look(kBegun);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->ok);
  EXPECT_FALSE(capturer_->is_busy());
}

}  // namespace
}  // namespace headgate::fastpath
