// SPDX-License-Identifier: Apache-2.0
// Listeners by nat and fullnat, through the whole pipeline: a packet to its target and the answer back, as
// whole frames against the same packets built with the other addresses.
#include "dataplane/l4/forward/translator.hpp"

#include <gtest/gtest.h>

#include "dataplane/l4/pipeline.hpp"
#include "tests/support/l4_snapshot.hpp"
#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using namespace std::chrono_literals;
using contract::Forwarding;
using test::Bytes;
using test::L4Snapshot;
using test::Packet;

constexpr MacAddress kOurs{2, 0, 0, 0, 0, 1};  // what Packet sends to
constexpr MacAddress kBackendMac{2, 0, 0, 0, 0, 0x20};
constexpr MacAddress kGatewayMac{2, 0, 0, 0, 0, 0xfe};
constexpr uint16_t kBackendPort = 8080;
constexpr NatPorts kPorts{.first = 20'000, .last = 20'999};

struct TranslatorNames {
  const char* client;
  const char* router;  // on the client's way
  const char* vip;
  const char* backend;
  const char* own;
  const char* gateway;
  const char* anywhere;
  bool v6;
};
constexpr TranslatorNames kTranslatorNames[] = {{"203.0.113.9", "203.0.113.254", "192.0.2.100", "10.0.1.20",
                                                 "192.0.2.10", "192.0.2.1", "0.0.0.0/0", false},
                                                {"2001:db8:9::9", "2001:db8:9::fe", "2001:db8::100",
                                                 "fd00:1::20", "2001:db8::10", "2001:db8::1", "::/0", true}};

class TranslatorTest : public testing::TestWithParam<std::tuple<TranslatorNames, Forwarding>> {
 protected:
  TranslatorTest() {
    configure();
    for (const uint32_t id : {1, 2}) next_hops_.set(id, kBackendMac);
  }
  const TranslatorNames& names() const { return std::get<0>(GetParam()); }
  bool full() const { return std::get<1>(GetParam()) == Forwarding::kFullnat; }
  static std::string at(const char* address, uint16_t port) {
    return Endpoint{*IpAddress::parse(address), port}.to_string();
  }
  void configure() {
    const auto to = at(names().backend, kBackendPort);
    auto table = L4Table::build(L4Snapshot(1)
                                    .listener(at(names().vip, 80))
                                    .forwarded("pool", std::get<1>(GetParam()))
                                    .target(1, to, to)
                                    .listener(at(names().vip, 53))
                                    .forwarded("pool", std::get<1>(GetParam()))
                                    .udp()
                                    .target(2, to, to)
                                    .build(),
                                table_.get(), Tick::at(now_), surroundings_);
    ASSERT_TRUE(table.ok()) << table.error().message;
    table_ = std::move(table).value();
  }
  struct Sent {
    Verdict verdict;
    Bytes frame;
  };
  Sent send(const Packet& packet) {
    Bytes frame = packet.build();
    PacketView view{.data = frame.data(), .length_bytes = static_cast<uint16_t>(frame.size())};
    Verdict verdict;
    pipeline_.from_uplink({*table_, routes_}, {&view, 1}, {&verdict, 1}, now_);
    return {verdict, frame};
  }
  // As `packet`, one hop less, from us to that neighbour.
  static Bytes sent_to(const MacAddress& neighbour, Packet packet) {
    Bytes frame = packet.ttl(63).build();
    std::memcpy(frame.data(), neighbour.data(), neighbour.size());
    std::memcpy(frame.data() + kOurs.size(), kOurs.data(), kOurs.size());
    return frame;
  }
  static uint16_t source_port(const Bytes& frame, bool v6) {
    const std::size_t offset = sizeof(EthernetHeader) + (v6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header));
    return header_at<PortsHeader>(frame.data() + offset).src_port.host();
  }
  // What the backend sees as the client, once the flow's first packet has been sent.
  std::pair<const char*, uint16_t> seen(const Sent& first) const {
    if (!full()) return {names().client, 40'000};
    return {names().own, source_port(first.frame, names().v6)};
  }
  // What comes after the SYN: the backend's answer and the client's.
  void establish(const Packet& packet, uint16_t port) {
    send(from_backend(port).flags(kTcpSyn | kTcpAck));
    send(packet);
  }
  Packet from_backend(uint16_t port) const {
    return Packet().ip(names().backend, full() ? names().own : names().client).tcp(kBackendPort, port);
  }
  bool is_known(uint16_t port) { return send(from_backend(port)).verdict.role == FlowRole::kFromTarget; }
  Packet request() const { return Packet().ip(names().client, names().vip).tcp(40'000, 80).payload("hello"); }
  Packet datagram() const {
    return Packet().ip(names().client, names().vip).udp(40'000, 53).payload("hello");
  }
  static Verdict leaves(uint32_t target, FlowRole role) {
    return {.exit = Exit::kUplink, .role = role, .target_id = target};
  }

  TimePoint now_{100'000s};
  Surroundings surroundings_{
      .sources = {{*IpAddress::parse(names().backend), *IpAddress::parse(names().own)}}};
  RouteTable routes_{
      std::make_shared<const Routes>(std::vector<Routes::Entry>{
          {*Prefix::parse(names().anywhere), RouteKind::kGateway, *IpAddress::parse(names().gateway)},
          {*Prefix::parse(names().own), RouteKind::kHost}}),
      {{*IpAddress::parse(names().gateway), kGatewayMac}}};
  TargetMask mask_;
  NextHops next_hops_;
  Pipeline pipeline_{
      {.flows = 4096, .secret = 1, .uplink_mac = kOurs, .nat_ports = kPorts}, mask_, next_hops_};
  std::unique_ptr<const L4Table> table_;
};

TEST_P(TranslatorTest, AConnectionGoesToTheBackendAndItsAnswersToTheClient) {
  const auto first = send(request().flags(kTcpSyn));
  EXPECT_EQ(first.verdict, leaves(1, FlowRole::kOpensFlow));
  const auto [client, port] = seen(first);
  EXPECT_EQ(
      first.frame,
      sent_to(kBackendMac,
              Packet().ip(client, names().backend).tcp(port, kBackendPort).flags(kTcpSyn).payload("hello")));
  const auto answer = send(
      Packet().ip(names().backend, client).tcp(kBackendPort, port).flags(kTcpSyn | kTcpAck).payload("well"));
  EXPECT_EQ(answer.verdict, leaves(1, FlowRole::kFromTarget));
  EXPECT_EQ(
      answer.frame,
      sent_to(
          kGatewayMac,
          Packet().ip(names().vip, names().client).tcp(80, 40'000).flags(kTcpSyn | kTcpAck).payload("well")));
  const auto second = send(request());
  EXPECT_EQ(second.verdict, leaves(1, FlowRole::kToTarget));
  EXPECT_EQ(
      second.frame,
      sent_to(kBackendMac, Packet().ip(client, names().backend).tcp(port, kBackendPort).payload("hello")));
}

TEST_P(TranslatorTest, SoDoDatagrams) {
  const auto first = send(datagram());
  EXPECT_EQ(first.verdict, leaves(2, FlowRole::kOpensFlow));
  const auto [client, port] = seen(first);
  EXPECT_EQ(
      first.frame,
      sent_to(kBackendMac, Packet().ip(client, names().backend).udp(port, kBackendPort).payload("hello")));
  const auto answer = send(Packet().ip(names().backend, client).udp(kBackendPort, port).payload("well"));
  EXPECT_EQ(answer.verdict, leaves(2, FlowRole::kFromTarget));
  EXPECT_EQ(answer.frame,
            sent_to(kGatewayMac, Packet().ip(names().vip, names().client).udp(53, 40'000).payload("well")));
}

TEST_P(TranslatorTest, ThePartialChecksumOfAnAnswerIsFinishedAndAWrongOneDropped) {
  const auto [client, port] = seen(send(request().flags(kTcpSyn)));
  const auto answer = Packet().ip(names().backend, client).tcp(kBackendPort, port).payload("well");
  EXPECT_EQ(send(Packet(answer).partial_checksum()).frame,
            sent_to(kGatewayMac, Packet().ip(names().vip, names().client).tcp(80, 40'000).payload("well")));
  EXPECT_EQ(send(Packet(answer).wrong_checksum()).verdict,
            Verdict::drop(DropReason::kTransportChecksumWrong));
}

TEST_P(TranslatorTest, FragmentsFollowTheirFirstInBothDirections) {
  const auto [client, port] = seen(send(datagram()));
  const auto first = send(datagram().fragment(7, 0, true));
  EXPECT_EQ(first.verdict, leaves(2, FlowRole::kToTarget));
  const auto later = [](const char* from, const char* to, uint16_t id = 7) {
    return Packet().ip(from, to).protocol(kProtocolUdp).fragment(id, 1480, false).payload("rest");
  };
  // By fullnat all clients are one sender, of IPv4 with 16 bits to tell its packets apart.
  const uint16_t id = full() && !names().v6
                          ? header_at<Ipv4Header>(first.frame.data() + sizeof(EthernetHeader)).id.host()
                          : 7;
  EXPECT_EQ(first.frame, sent_to(kBackendMac, Packet()
                                                  .ip(client, names().backend)
                                                  .udp(port, kBackendPort)
                                                  .payload("hello")
                                                  .fragment(id, 0, true)));
  const auto second = send(later(names().client, names().vip));
  EXPECT_EQ(second.verdict, leaves(2, FlowRole::kToTarget));
  EXPECT_EQ(second.frame, sent_to(kBackendMac, later(client, names().backend, id)));
  EXPECT_EQ(send(Packet().ip(names().backend, client).udp(kBackendPort, port).fragment(9, 0, true)).verdict,
            leaves(2, FlowRole::kFromTarget));
  const auto back = send(later(names().backend, client, 9));
  EXPECT_EQ(back.verdict, leaves(2, FlowRole::kFromTarget));
  EXPECT_EQ(back.frame, sent_to(kGatewayMac, later(names().vip, names().client, 9)));
}

TEST_P(TranslatorTest, FragmentsOfTwoClientsWithOneIdAreToldApart) {
  if (!full() || names().v6) return;
  const auto id_of = [&](const char* client) {
    const auto sent = send(Packet().ip(client, names().vip).udp(40'000, 53).fragment(7, 0, true));
    EXPECT_EQ(sent.verdict.role, FlowRole::kOpensFlow);
    return header_at<Ipv4Header>(sent.frame.data() + sizeof(EthernetHeader)).id.host();
  };
  EXPECT_NE(id_of("203.0.113.9"), id_of("203.0.113.10"));
}

TEST_P(TranslatorTest, AnErrorOnTheClientsWayTellsTheBackendOfItsOwnPacket) {
  const auto [client, port] = seen(send(request().flags(kTcpSyn)));
  const uint8_t type = names().v6 ? 2 : 3;
  const auto error = [&](const char* from, const char* to, const Packet& quoted) {
    return Packet().ip(from, to).icmp(type, names().v6 ? 0 : 4, 1400).quoting(quoted);
  };
  const auto sent = send(error(names().router, names().vip,
                               Packet().ip(names().vip, names().client).tcp(80, 40'000).payload("well")));
  EXPECT_EQ(sent.verdict, leaves(1, FlowRole::kToTarget));
  EXPECT_EQ(sent.frame,
            sent_to(kBackendMac,
                    error(full() ? names().own : names().router, names().backend,
                          Packet().ip(names().backend, client).tcp(kBackendPort, port).payload("well"))));
}

TEST_P(TranslatorTest, AnErrorOnTheBackendsWayTellsTheClientOfItsOwnPacket) {
  for (const bool is_udp : {false, true}) {
    const auto [client, port] = seen(send(is_udp ? datagram() : request().flags(kTcpSyn)));
    const auto packet = [&](const char* from, uint16_t from_port, const char* to, uint16_t to_port) {
      auto quoted = Packet().ip(from, to).payload("hello");
      return is_udp ? quoted.udp(from_port, to_port) : quoted.tcp(from_port, to_port);
    };
    const uint8_t unreachable = names().v6 ? 1 : 3;
    const char* router = names().v6 ? "fd00:1::fe" : "10.0.1.254";
    for (const bool by_backend : {true, false}) {
      const char* from = by_backend ? names().backend : router;
      const auto sent = send(Packet()
                                 .ip(from, client)
                                 .icmp(unreachable, 3)
                                 .quoting(packet(client, port, names().backend, kBackendPort)));
      EXPECT_EQ(sent.verdict, leaves(is_udp ? 2 : 1, FlowRole::kFromTarget));
      EXPECT_EQ(
          sent.frame,
          sent_to(kGatewayMac, Packet()
                                   .ip(by_backend ? names().vip : router, names().client)
                                   .icmp(unreachable, 3)
                                   .quoting(packet(names().client, 40'000, names().vip, is_udp ? 53 : 80))));
    }
  }
}

TEST_P(TranslatorTest, ADamagedErrorOfTheBackendsSideIsDropped) {
  const auto [client, port] = seen(send(request().flags(kTcpSyn)));
  Bytes frame = Packet()
                    .ip(names().backend, client)
                    .icmp(names().v6 ? 1 : 3, 3)
                    .quoting(Packet().ip(client, names().backend).tcp(port, kBackendPort).payload("hello"))
                    .build();
  frame.back() ^= std::byte(1);
  PacketView view{.data = frame.data(), .length_bytes = static_cast<uint16_t>(frame.size())};
  Verdict verdict;
  pipeline_.from_uplink({*table_, routes_}, {&view, 1}, {&verdict, 1}, now_);
  EXPECT_EQ(verdict, Verdict::drop(DropReason::kTransportChecksumWrong));
}

TEST_P(TranslatorTest, WhatTheBackendSaysToTheMachineItselfIsTheKernels) {
  const auto probe = send(Packet().ip(names().backend, names().own).tcp(kBackendPort, 45'000));
  EXPECT_EQ(probe.verdict, Verdict::host());
  EXPECT_EQ(probe.frame, Packet().ip(names().backend, names().own).tcp(kBackendPort, 45'000).build());
  EXPECT_EQ(send(Packet().ip(names().backend, names().client).tcp(22, 40'000)).verdict, Verdict::host());
}

TEST_P(TranslatorTest, AnAnswerWithoutAWayOrHopsLeftIsDropped) {
  const auto [client, port] = seen(send(request().flags(kTcpSyn)));
  const auto answer = Packet().ip(names().backend, client).tcp(kBackendPort, port);
  EXPECT_EQ(send(Packet(answer).ttl(1)).verdict, Verdict::drop(DropReason::kTtlExpired));
  const auto here = Prefix{*IpAddress::parse(names().client), static_cast<uint8_t>(names().v6 ? 128 : 32)};
  routes_ = RouteTable(
      std::make_shared<const Routes>(std::vector<Routes::Entry>{{here, RouteKind::kNeighbour}}), {});
  EXPECT_EQ(send(answer).verdict, Verdict::drop(DropReason::kNoNextHop));
  EXPECT_EQ(pipeline_.take_wanted_neighbour(), IpAddress::parse(names().client));
  EXPECT_EQ(pipeline_.take_wanted_neighbour(), std::nullopt);
}

TEST_P(TranslatorTest, WhatASwitchFloodsIsNotSentOn) {
  const auto [client, port] = seen(send(request().flags(kTcpSyn)));
  auto frame = Packet().ip(names().backend, client).tcp(kBackendPort, port).build();
  frame[5] = std::byte{0x77};  // to another neighbour
  PacketView view{.data = frame.data(), .length_bytes = static_cast<uint16_t>(frame.size())};
  Verdict verdict;
  pipeline_.from_uplink({*table_, routes_}, {&view, 1}, {&verdict, 1}, now_);
  EXPECT_EQ(verdict, Verdict::host());
}

TEST_P(TranslatorTest, FlowsByFullnatHavePortsOfTheirOwnUntilThereAreNoMore) {
  if (!full()) return;  // by nat nothing is given
  std::set<uint16_t> ports;
  unsigned refused = 0;
  for (uint16_t number = 0; number < 2000; ++number) {
    const auto client_port = static_cast<uint16_t>(1024 + number);
    const auto syn = Packet().ip(names().client, names().vip).tcp(client_port, 80);
    const auto sent = send(Packet(syn).flags(kTcpSyn));
    if (sent.verdict == Verdict::drop(DropReason::kNoNatFlow)) {
      ++refused;
      continue;
    }
    ASSERT_EQ(sent.verdict, leaves(1, FlowRole::kOpensFlow));
    const uint16_t port = source_port(sent.frame, names().v6);
    establish(syn, port);  // gives way to none
    ASSERT_TRUE(ports.insert(port).second);
  }
  EXPECT_LE(ports.size(), 1000u);
  EXPECT_GE(ports.size(), 900u);
  EXPECT_EQ(refused + ports.size(), 2000u);
  EXPECT_EQ(pipeline_.counts().nat_flows_held, ports.size());
}

TEST_P(TranslatorTest, AFlowThatHasEndedGivesItsPortBack) {
  if (!full()) return;
  send(request().flags(kTcpSyn));
  EXPECT_EQ(pipeline_.counts().nat_flows_held, 1u);
  send(request().flags(kTcpRst));
  now_ += 60s;
  for (int i = 0; i < 1000; ++i)
    while (pipeline_.tend(now_ += 4s)) {
    }
  EXPECT_EQ(pipeline_.counts().nat_flows_held, 0u);
}

TEST_P(TranslatorTest, AHalfClosedConnectionWaitsForItsAnswer) {
  if (!full()) return;
  const auto port = seen(send(request().flags(kTcpSyn))).second;
  establish(request(), port);
  send(request().flags(kTcpAck | kTcpFin));
  now_ += 20min;
  EXPECT_TRUE(is_known(port));
  send(from_backend(port).flags(kTcpAck | kTcpFin));
  now_ += 2min;
  EXPECT_FALSE(is_known(port)) << "both have said that it ends";
}

TEST_P(TranslatorTest, AResetThatNobodyBelievesEndsNothing) {
  if (!full()) return;
  const auto port = seen(send(request().flags(kTcpSyn))).second;
  establish(request(), port);
  send(request().flags(kTcpRst));  // forged: the connection goes on
  send(request());
  now_ += 20min;
  EXPECT_TRUE(is_known(port));
  send(from_backend(port).flags(kTcpRst));
  now_ += 2min;
  EXPECT_FALSE(is_known(port));
}

TEST_P(TranslatorTest, WithoutAnAnswerNothingIsEstablished) {
  if (!full()) return;
  const auto port = seen(send(request().flags(kTcpSyn))).second;
  send(request());
  send(request());
  now_ += 2min;
  EXPECT_FALSE(is_known(port));
  EXPECT_EQ(send(request().flags(kTcpRst)).verdict, Verdict::drop(DropReason::kNoNatFlow))
      << "what ends a flow begins none";
}

TEST_P(TranslatorTest, ABackendOfTwoListenersIsToldApartByFullnatAlone) {
  const auto to = at(names().backend, kBackendPort);
  const auto table = L4Table::build(L4Snapshot(1)
                                        .listener(at(names().vip, 80))
                                        .forwarded("pool", std::get<1>(GetParam()))
                                        .target(1, to, to)
                                        .listener(at(names().vip, 81))
                                        .forwarded("pool", std::get<1>(GetParam()))
                                        .target(2, to, to)
                                        .build(),
                                    nullptr, Tick(), surroundings_);
  EXPECT_EQ(table.ok(), full());
}

INSTANTIATE_TEST_SUITE_P(Modes, TranslatorTest,
                         testing::Combine(testing::ValuesIn(kTranslatorNames),
                                          testing::Values(Forwarding::kNat, Forwarding::kFullnat)),
                         [](const auto& mode) {
                           return std::string(std::get<0>(mode.param).v6 ? "Ipv6" : "Ipv4") +
                                  (std::get<1>(mode.param) == Forwarding::kNat ? "Nat" : "Fullnat");
                         });

}  // namespace
}  // namespace headgate::l4
