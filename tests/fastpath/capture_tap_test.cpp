// SPDX-License-Identifier: Apache-2.0
// The tap beside the pipeline that it listens to; tables of packets.
#include "dataplane/fastpath/capture_tap.hpp"

#include <thread>

#include <gtest/gtest.h>

#include "dataplane/l4/pipeline.hpp"
#include "tests/support/l4_snapshot.hpp"
#include "tests/support/packet_builder.hpp"

namespace headgate::fastpath {
namespace {

using namespace std::chrono_literals;
using l4::DropReason;
using test::Bytes;
using test::Packet;

constexpr TimePoint kBurstTime{1000s};

struct Taken {
  CapturedPacket packet;
  Bytes received;
  Bytes sent;
};

class CaptureTapTest : public testing::Test {
 protected:
  void SetUp() override {
    auto table = l4::L4Table::build(test::L4Snapshot(1)
                                        .listener("192.0.2.100:80")
                                        .target(1, "edge/0", "198.19.255.1:2000")
                                        .listener("192.0.2.100:81")
                                        .target(2, "edge/1", "198.19.255.1:2001")
                                        .listener("192.0.2.101:80")
                                        .build(),
                                    nullptr, l4::Tick::at(kBurstTime));
    ASSERT_TRUE(table.ok()) << table.error().message;
    table_ = std::move(*table);
    wish("192.0.2.100:80");
  }
  void wish(std::string_view reached, const std::string& filter = "", uint32_t snap_bytes = 2048,
            uint32_t count = 100) {
    auto compiled = CaptureFilter::compile(filter);
    ASSERT_TRUE(compiled.ok()) << compiled.error().message;
    wish_ = {.reached = *Endpoint::parse(reached),
             .protocol = kProtocolTcp,
             .filter = std::move(*compiled),
             .snap_bytes = snap_bytes,
             .count = count};
    tap_ = std::make_unique<CaptureTap>(wish_);
  }
  // One burst, as a worker takes it through.
  void pass(Side side, std::vector<Bytes> frames) {
    std::vector<l4::PacketView> views;
    for (auto& frame : frames)
      views.push_back({.data = frame.data(), .length_bytes = static_cast<uint16_t>(frame.size())});
    std::vector<l4::Verdict> verdicts(frames.size());
    tap_->on_received(side, views, kBurstTime);
    if (side == Side::kUplink)
      pipeline_.from_uplink({*table_, routes_}, views, verdicts, kBurstTime);
    else
      pipeline_.from_host(*table_, views, verdicts);
    tap_->on_decided(*table_, views, verdicts);
    if (port_is_full_)
      std::fill(verdicts.begin(), verdicts.end(), l4::Verdict::drop(DropReason::kHostQueueFull));
    tap_->on_sent(verdicts, kBurstTime + 5us);
  }
  std::vector<Taken> taken() {
    std::vector<Taken> all;
    while (tap_->take([&](const CapturedPacket& packet, auto received, auto sent) {
      all.push_back({packet, Bytes(received.begin(), received.end()), Bytes(sent.begin(), sent.end())});
    })) {
    }
    return all;
  }

  l4::TargetMask mask_;
  l4::NextHops next_hops_;
  l4::RouteTable routes_;
  l4::Pipeline pipeline_{{.flows = 64, .secret = 1}, mask_, next_hops_};
  std::unique_ptr<const l4::L4Table> table_;
  CaptureWish wish_;
  std::unique_ptr<CaptureTap> tap_;
  bool port_is_full_ = false;
};

Packet from_client(uint16_t port = 80) { return Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, port); }

TEST_F(CaptureTapTest, HasAPacketAsItCameAndAsItWent) {
  const Bytes came = from_client().payload("GET /").build();
  pass(Side::kUplink, {came});
  const auto all = taken();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].received, came);
  EXPECT_EQ(all[0].sent,
            Packet().ipv4("192.0.2.2", "198.19.255.1").tcp(40'000, 2000).payload("GET /").build());
  EXPECT_EQ(all[0].packet.came_by, Side::kUplink);
  EXPECT_EQ(all[0].packet.received_at, kBurstTime);
  EXPECT_EQ(all[0].packet.sent_at, kBurstTime + 5us);
  EXPECT_EQ(all[0].packet.verdict.exit, l4::Exit::kHost);
  EXPECT_EQ(all[0].packet.verdict.target_id, 1u);
}

TEST_F(CaptureTapTest, AnAnswerIsTheListenersByItsFlow) {
  const Bytes came = Packet().ipv4("198.19.255.1", "192.0.2.2").tcp(2000, 40'000).payload("200").build();
  const Bytes others = Packet().ipv4("198.19.255.1", "192.0.2.2").tcp(2001, 40'000).payload("200").build();
  pass(Side::kHost, {others, came});
  const auto all = taken();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].received, came);
  EXPECT_EQ(all[0].sent, Packet().ipv4("192.0.2.100", "192.0.2.2").tcp(80, 40'000).payload("200").build());
  EXPECT_EQ(all[0].packet.came_by, Side::kHost);
  EXPECT_EQ(all[0].packet.verdict.role, l4::FlowRole::kFromTarget);
}

TEST_F(CaptureTapTest, TakesWhatIsOfTheListenerAndNothingElse) {
  struct Row {
    const char* what;
    Side side;
    Bytes frame;
    bool taken;
  };
  const auto quote = Packet().ipv4("192.0.2.100", "192.0.2.2").tcp(80, 40'000);
  const auto quote_of_other = Packet().ipv4("192.0.2.100", "192.0.2.2").tcp(81, 40'000);
  const Row rows[] = {
      {"a client's packet", Side::kUplink, from_client().build(), true},
      {"another port", Side::kUplink, from_client(81).build(), false},
      {"a port without a listener", Side::kUplink, from_client(82).build(), false},
      {"another address", Side::kUplink, Packet().ipv4("192.0.2.2", "192.0.2.101").tcp(40'000, 80).build(),
       false},
      {"another protocol", Side::kUplink, Packet().ipv4("192.0.2.2", "192.0.2.100").udp(40'000, 80).build(),
       false},
      {"another family", Side::kUplink, Packet().ipv6("2001:db8::2", "c000:264::").tcp(40'000, 80).build(),
       false},
      {"a checksum that is wrong", Side::kUplink, from_client().wrong_checksum().build(), true},
      {"a later fragment, which has no ports", Side::kUplink,
       Packet()
           .ipv4("192.0.2.2", "192.0.2.100")
           .protocol(kProtocolTcp)
           .fragment(7, 1480, false)
           .payload("rest")
           .build(),
       true},
      {"one of another protocol", Side::kUplink,
       Packet()
           .ipv4("192.0.2.2", "192.0.2.100")
           .protocol(kProtocolUdp)
           .fragment(8, 1480, false)
           .payload("rest")
           .build(),
       false},
      {"an error about what it sent", Side::kUplink,
       Packet().ipv4("192.0.2.7", "192.0.2.100").icmp(3, 4).quoting(quote).build(), true},
      {"an error about what another sent", Side::kUplink,
       Packet().ipv4("192.0.2.7", "192.0.2.100").icmp(3, 4).quoting(quote_of_other).build(), false},
      {"an error that quotes too little", Side::kUplink,
       Packet().ipv4("192.0.2.7", "192.0.2.100").icmp(3, 4).quoting(quote, 20).build(), false},
      {"an echo to its address", Side::kUplink, Packet().ipv4("192.0.2.2", "192.0.2.100").icmp(8).build(),
       false},
      {"the kernel's answer from it", Side::kHost,
       Packet().ipv4("192.0.2.100", "192.0.2.2").tcp(80, 40'000).flags(kTcpRst).build(), true},
      {"the machine's own traffic to there", Side::kHost,
       Packet().ipv4("192.0.2.10", "192.0.2.100").tcp(40'000, 80).build(), false},
      {"a client's packet to the machine", Side::kUplink,
       Packet().ipv4("192.0.2.100", "192.0.2.10").tcp(80, 22).build(), false},
      {"an IP header that is wrong", Side::kUplink, from_client().wrong_ip_checksum().build(), false},
      {"no IP", Side::kUplink, Packet().ether_type(kEtherTypeArp).payload("who has").padding(40).build(),
       false},
      {"no frame", Side::kUplink, Bytes(3, std::byte{1}), false},
  };
  for (const auto& row : rows) {
    pass(row.side, {row.frame});
    const auto all = taken();
    EXPECT_EQ(all.size(), row.taken ? 1u : 0u) << row.what;
    for (const auto& one : all) EXPECT_EQ(one.received, row.frame) << row.what;
  }
}

TEST_F(CaptureTapTest, SaysWhyAPacketWentNowhere) {
  pass(Side::kUplink, {from_client().wrong_checksum().build()});
  port_is_full_ = true;
  pass(Side::kUplink, {from_client().build()});
  const auto all = taken();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[0].packet.is_dropped());
  EXPECT_EQ(all[0].packet.verdict.reason, DropReason::kTransportChecksumWrong);
  EXPECT_EQ(all[1].packet.verdict.reason, DropReason::kHostQueueFull);
}

TEST_F(CaptureTapTest, TheFilterHoldsOfEitherForm) {
  for (const auto* filter : {"tcp port 80", "tcp port 2000", "src host 192.0.2.2", "dst host 198.19.255.1"}) {
    wish("192.0.2.100:80", filter);
    pass(Side::kUplink, {from_client().build()});
    EXPECT_EQ(taken().size(), 1u) << filter;
  }
  wish("192.0.2.100:80", "tcp port 443");
  pass(Side::kUplink, {from_client().build()});
  EXPECT_EQ(taken().size(), 0u);
}

TEST_F(CaptureTapTest, KeepsTheBeginningAndTheLength) {
  wish("192.0.2.100:80", "", 64);
  const Bytes came = from_client().payload(std::string(1000, 'x')).build();
  pass(Side::kUplink, {came});
  const auto all = taken();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].received, Bytes(came.begin(), came.begin() + 64));
  EXPECT_EQ(all[0].sent.size(), 64u);
  EXPECT_EQ(all[0].packet.received_bytes, came.size());
  EXPECT_EQ(all[0].packet.sent_bytes, came.size());
}

TEST_F(CaptureTapTest, WhatFindsNoRoomIsCountedAndTheRestStays) {
  wish("192.0.2.100:80", "", 128, 8);
  const auto numbered = [](uint8_t i) { return from_client().ttl(i).build(); };
  std::vector<Bytes> burst;
  for (uint8_t i = 1; i <= 20; ++i) burst.push_back(numbered(i));
  pass(Side::kUplink, burst);
  EXPECT_EQ(tap_->lost(), 12u);
  auto all = taken();
  ASSERT_EQ(all.size(), 8u);
  for (uint8_t i = 0; i < 8; ++i) EXPECT_EQ(all[i].received, numbered(static_cast<uint8_t>(i + 1)));
  pass(Side::kUplink, {numbered(99)});  // there is room again
  all = taken();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].received, numbered(99));
  EXPECT_EQ(tap_->lost(), 12u);
}

TEST_F(CaptureTapTest, NothingIsTornBetweenTwoThreads) {
  wish("192.0.2.100:80", "", 128, 64);
  constexpr uint64_t kBursts = 3000;
  std::atomic<bool> done{false};
  std::thread worker([&] {
    for (uint64_t i = 0; i < kBursts; ++i) {
      const auto port = static_cast<uint16_t>(1024 + i % 60'000);
      pass(Side::kUplink,
           std::vector<Bytes>(4, Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(port, 80).build()));
    }
    done = true;
  });
  uint64_t seen = 0;
  uint64_t torn = 0;
  for (bool last = false; !last;) {
    last = done;
    for (const auto& one : taken()) {
      ++seen;
      const auto& came = header_at<PortsHeader>(one.received.data() + 34);
      const auto& went = header_at<PortsHeader>(one.sent.data() + 34);
      torn += came.src_port != went.src_port || came.dst_port != Be16(80) || went.dst_port != Be16(2000);
    }
  }
  worker.join();
  EXPECT_EQ(torn, 0u);
  EXPECT_GT(seen, 0u);
  EXPECT_EQ(seen + tap_->lost(), 4 * kBursts);
}

}  // namespace
}  // namespace headgate::fastpath
