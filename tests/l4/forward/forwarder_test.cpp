// SPDX-License-Identifier: Apache-2.0
// Listeners that end on a pool, through the whole pipeline: packet in, verdict and packet out.
#include "dataplane/l4/forward/forwarder.hpp"

#include <gtest/gtest.h>

#include "dataplane/l4/pipeline.hpp"
#include "tests/support/l4_snapshot.hpp"
#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::L4Snapshot;
using test::Packet;

constexpr MacAddress kUplink{2, 0, 0, 0, 0, 1};  // what Packet sends to
constexpr MacAddress kNextHop{2, 0, 0, 0, 0, 0x99};
constexpr uint16_t kHeadroomBytes = 128;

struct ForwarderNames {
  const char* client;
  const char* vip;
  const char* backend;
  bool v6;
};
constexpr ForwarderNames kForwarderNames[] = {{"192.0.2.2", "192.0.2.100", "192.0.2.20", false},
                                              {"2001:db8::2", "2001:db8::100", "2001:db8::20", true}};

class ForwarderTest : public testing::TestWithParam<ForwarderNames> {
 protected:
  void SetUp() override {
    configure(two_listeners(1));
    next_hops_.set(1, kNextHop);
    next_hops_.set(2, kNextHop);
  }
  const ForwarderNames& names() const { return GetParam(); }
  static std::string at(const char* address, uint16_t port) {
    return Endpoint{*IpAddress::parse(address), port}.to_string();
  }
  L4Snapshot two_listeners(contract::Revision revision) const {
    const auto to = at(names().backend, 80);
    return L4Snapshot(revision)
        .listener(at(names().vip, 80))
        .forwarded("pool")
        .target(1, to, to)
        .listener(at(names().vip, 53))
        .forwarded("pool")
        .udp()
        .target(2, to, to);
  }
  void configure_tunnel() {
    const auto to = at(names().backend, 80);
    configure(L4Snapshot(2)
                  .listener(at(names().vip, 80))
                  .forwarded("pool", contract::Forwarding::kIpip)
                  .target(1, to, to));
  }
  void configure(const L4Snapshot& snapshot) {
    auto table = L4Table::build(snapshot.build(), table_.get(), Tick::at(now_), surroundings_);
    ASSERT_TRUE(table.ok()) << table.error().message;
    old_ = std::move(table_);
    table_ = std::move(table).value();
  }
  struct Sent {
    Verdict verdict;
    Bytes frame;
  };
  Sent send(const Packet& packet, const MacAddress& to = kUplink) {
    Bytes frame = packet.build();
    std::memcpy(frame.data(), to.data(), to.size());
    Bytes memory(kHeadroomBytes);
    test::append(memory, frame);
    PacketView view{.data = memory.data() + kHeadroomBytes,
                    .length_bytes = static_cast<uint16_t>(frame.size()),
                    .headroom_bytes = kHeadroomBytes};
    Verdict verdict;
    pipeline_.from_uplink({*table_, routes_}, {&view, 1}, {&verdict, 1}, now_);
    return {verdict, Bytes(view.data, view.data + view.length_bytes)};
  }
  // The packet with one hop less, from us to the neighbour.
  static Bytes forwarded(Packet packet, uint8_t ttl = 63) {
    Bytes frame = packet.ttl(ttl).build();
    std::memcpy(frame.data(), kNextHop.data(), kNextHop.size());
    std::memcpy(frame.data() + kUplink.size(), kUplink.data(), kUplink.size());
    return frame;
  }
  Packet tcp() const { return Packet().ip(names().client, names().vip).tcp(40'000, 80); }
  Packet udp() const { return Packet().ip(names().client, names().vip).udp(40'000, 53); }
  static Verdict leaves(uint32_t target, FlowRole role = FlowRole::kToTarget) {
    return {.exit = Exit::kUplink, .role = role, .target_id = target};
  }

  static constexpr const char* kOwnV4 = "192.0.2.10";
  static constexpr const char* kOwnV6 = "2001:db8::10";

  TimePoint now_{100'000s};
  Surroundings surroundings_{
      .sources = {{*IpAddress::parse(names().backend), *IpAddress::parse(names().v6 ? kOwnV6 : kOwnV4)}}};
  TargetMask mask_;
  NextHops next_hops_;
  RouteTable routes_;
  Pipeline pipeline_{{.flows = 4096, .secret = 1, .uplink_mac = kUplink}, mask_, next_hops_};
  std::unique_ptr<const L4Table> table_;
  std::unique_ptr<const L4Table> old_;
};

TEST_P(ForwarderTest, APacketGoesToTheNeighbourAndIsElseAsItCame) {
  struct {
    const char* description;
    Packet in, out;
    Verdict verdict;
  } const cases[] = {
      {"SYN", tcp().flags(kTcpSyn), tcp().flags(kTcpSyn), leaves(1, FlowRole::kOpensFlow)},
      {"data", tcp().payload("GET /").tos(0xb9), tcp().payload("GET /").tos(0xb9), leaves(1)},
      {"padding", tcp().padding(6), tcp().padding(6), leaves(1)},
      {"a partial checksum", tcp().payload("abc").partial_checksum(), tcp().payload("abc"), leaves(1)},
      {"a datagram", udp().payload("question"), udp().payload("question"), leaves(2, FlowRole::kOpensFlow)},
      {"a datagram with a partial checksum", udp().payload("q").partial_checksum(), udp().payload("q"),
       leaves(2)},
  };
  for (const auto& test : cases) {
    const auto sent = send(test.in);
    EXPECT_EQ(sent.verdict, test.verdict) << test.description;
    EXPECT_EQ(sent.frame, forwarded(test.out)) << test.description;
  }
}

TEST_P(ForwarderTest, HopsAreCounted) {
  for (const int ttl : {255, 128, 2}) {
    const auto sent = send(udp().ttl(static_cast<uint8_t>(ttl)));
    EXPECT_EQ(sent.frame, forwarded(udp(), static_cast<uint8_t>(ttl - 1))) << ttl;
  }
  for (const uint8_t ttl : {1, 0}) {
    const auto sent = send(udp().ttl(ttl).payload("traceroute"));
    EXPECT_EQ(sent.verdict, Verdict::uplink());
    const auto icmp_at = sizeof(EthernetHeader) + (names().v6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header));
    EXPECT_EQ(sent.frame.at(icmp_at), std::byte(names().v6 ? 3 : 11)) << "time exceeded";
  }
  EXPECT_EQ(pipeline_.counts().icmp_answers, 2u);
}

TEST_P(ForwarderTest, TheLastHopIsToldBeforeALengthThatDoesNotFit) {
  const auto sent = send(udp().dont_fragment().ttl(1).payload(std::string(1480, 'x')));
  EXPECT_EQ(sent.verdict, Verdict::uplink());
  const auto icmp_at = sizeof(EthernetHeader) + (names().v6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header));
  EXPECT_EQ(sent.frame.at(icmp_at), std::byte(names().v6 ? 3 : 11)) << "time exceeded";
}

TEST_P(ForwarderTest, AnswersAreBounded) {
  uint64_t answered = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    const auto verdict = send(udp().ttl(1)).verdict;
    answered += verdict == Verdict::uplink();
    if (verdict.exit == Exit::kDrop) {
      ASSERT_EQ(verdict.reason, DropReason::kTtlExpired);
    }
  }
  EXPECT_EQ(answered, limits::kIcmpAnswersPpsMax / 10);
}

TEST_P(ForwarderTest, WithoutANeighbourItIsDroppedByName) {
  next_hops_.set(1, std::nullopt);
  EXPECT_EQ(send(tcp()).verdict, Verdict::drop(DropReason::kNoNextHop));
}

TEST_P(ForwarderTest, AFrameToAnotherNeighbourIsTheKernels) {
  EXPECT_EQ(send(udp(), {2, 0, 0, 0, 0, 5}).verdict, Verdict::host());
}

TEST_P(ForwarderTest, ATunnelBeginsAtThisMachine) {
  configure_tunnel();
  const auto sent = send(tcp().payload("GET /"));
  EXPECT_EQ(sent.verdict, leaves(1));
  const Bytes inner = tcp().ttl(63).payload("GET /").build();
  const Bytes inner_ip(inner.begin() + sizeof(EthernetHeader), inner.end());
  const Packet outer = Packet()
                           .ip(names().v6 ? kOwnV6 : kOwnV4, names().backend)
                           .dont_fragment()
                           .protocol(names().v6 ? 41 : 4)
                           .payload({reinterpret_cast<const char*>(inner_ip.data()), inner_ip.size()});
  EXPECT_EQ(sent.frame, forwarded(outer, 64)) << "the inner packet has one hop less";
}

TEST_P(ForwarderTest, WhatATunnelMakesTooBigIsAnswered) {
  configure_tunnel();
  const std::size_t headers_bytes = names().v6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header);
  const std::size_t fits_bytes = 1500 - 2 * headers_bytes - sizeof(TcpHeader);
  EXPECT_EQ(send(tcp().dont_fragment().payload(std::string(fits_bytes, 'x'))).verdict, leaves(1));
  const auto answered = send(tcp().dont_fragment().payload(std::string(fits_bytes + 1, 'x')));
  EXPECT_EQ(answered.verdict, Verdict::uplink());
  const auto icmp_at = sizeof(EthernetHeader) + headers_bytes;
  EXPECT_EQ(answered.frame.at(icmp_at), std::byte(names().v6 ? 2 : 3));
  EXPECT_EQ(header_at<IcmpHeader>(answered.frame.data() + icmp_at).rest.host(), 1500 - headers_bytes);
  if (!names().v6) {
    const auto may_be_fragmented = tcp().payload(std::string(fits_bytes + 1, 'x'));
    EXPECT_EQ(send(may_be_fragmented).verdict, Verdict::drop(DropReason::kTooBig));
  }
}

TEST_P(ForwarderTest, WhatIsNeverAnsweredUsesUpNoAnswer) {
  configure_tunnel();
  const auto error = Packet()
                         .ip(names().client, names().vip)
                         .icmp(names().v6 ? 2 : 3, names().v6 ? 0 : 4)
                         .quoting(Packet().ip(names().vip, names().client).tcp(80, 40'000))
                         .ttl(1);
  for (unsigned i = 0; i < limits::kIcmpAnswersPpsMax; ++i)
    ASSERT_EQ(send(error).verdict, Verdict::drop(DropReason::kTtlExpired));
  EXPECT_EQ(send(tcp().ttl(1)).verdict, Verdict::uplink());
}

TEST_P(ForwarderTest, ATunnelOfATargetThatIsGoneFollowsTheSurroundings) {
  configure_tunnel();
  send(tcp());
  surroundings_.sources.begin()->second = *IpAddress::parse(names().v6 ? "2001:db8::11" : "192.0.2.11");
  const auto other = names().v6 ? "[2001:db8::21]:80" : "192.0.2.21:80";
  configure(L4Snapshot(3)
                .listener(at(names().vip, 80))
                .forwarded("pool", contract::Forwarding::kIpip)
                .target(3, other, other));
  const auto sent = send(tcp());
  EXPECT_EQ(sent.verdict, leaves(1));
  const auto& ip = sent.frame;
  const auto source_at =
      sizeof(EthernetHeader) + (names().v6 ? offsetof(Ipv6Header, src) + 15 : offsetof(Ipv4Header, src) + 3);
  EXPECT_EQ(ip.at(source_at), std::byte(names().v6 ? 0x11 : 11)) << "the new source's last byte";
}

TEST_P(ForwarderTest, WithoutAnAddressOfOurOwnThereIsNoTunnel) {
  surroundings_ = {};
  configure_tunnel();
  EXPECT_EQ(send(tcp()).verdict, Verdict::drop(DropReason::kNoNextHop));
}

TEST_P(ForwarderTest, FragmentsAndErrorsFollowTheirFlow) {
  const Packet first = udp().payload(std::string(64, 'a')).fragment(7, 0, true);
  const Packet later = udp().payload("12345678").fragment(7, 72, false);
  EXPECT_EQ(send(later).verdict, Verdict::drop(DropReason::kFragmentUnmatched));
  EXPECT_EQ(send(first).frame, forwarded(first));
  const auto sent = send(later);
  EXPECT_EQ(sent.verdict, leaves(2));
  EXPECT_EQ(sent.frame, forwarded(later));
  // What the backend sent in the VIP's name was too big for a router.
  const auto answer = Packet().ip(names().vip, names().client).udp(53, 40'000).payload("answer");
  const auto error =
      Packet().ip(names().client, names().vip).icmp(names().v6 ? 2 : 3, names().v6 ? 0 : 4).quoting(answer);
  EXPECT_EQ(send(error).verdict, leaves(2));
  EXPECT_EQ(send(error).frame, forwarded(error)) << "nothing is translated";
}

TEST_P(ForwarderTest, OnlyTheListenersProtocolIsForwarded) {
  EXPECT_EQ(send(Packet().ip(names().client, names().vip).udp(1, 80)).verdict, Verdict::host());
  EXPECT_EQ(send(Packet().ip(names().client, names().vip).tcp(1, 53)).verdict, Verdict::host());
}

TEST_P(ForwarderTest, ADatagramWithoutAChecksumIsOneInIpv4Alone) {
  Packet packet = udp().payload("x");
  Bytes frame = packet.build();
  const auto udp_at = frame.size() - 1 - sizeof(UdpHeader);
  header_at<UdpHeader>(frame.data() + udp_at).checksum = Be16(0);
  PacketView view{.data = frame.data(), .length_bytes = static_cast<uint16_t>(frame.size())};
  Verdict verdict;
  pipeline_.from_uplink({*table_, routes_}, {&view, 1}, {&verdict, 1}, now_);
  EXPECT_EQ(verdict, names().v6 ? Verdict::drop(DropReason::kTransportChecksumWrong)
                                : leaves(2, FlowRole::kOpensFlow));
}

TEST_P(ForwarderTest, IsExplainedByTheSameTables) {
  const auto question = [&](uint16_t port, uint8_t protocol) {
    return FlowQuestion{.client = {*IpAddress::parse(names().client), 40'000},
                        .reached = {*IpAddress::parse(names().vip), port},
                        .protocol = protocol,
                        .number = 7};
  };
  const auto unknown = pipeline_.explain(*table_, question(53, kProtocolUdp), now_);
  EXPECT_EQ(unknown.by, ChosenBy::kMaglev);
  EXPECT_EQ(unknown.target_id, 2u);
  EXPECT_EQ(unknown.number, 7u);
  send(udp());
  EXPECT_EQ(pipeline_.explain(*table_, question(53, kProtocolUdp), now_).by, ChosenBy::kFlowTable);
  EXPECT_FALSE(pipeline_.explain(*table_, question(53, kProtocolTcp), now_).at_listener);
}

TEST_P(ForwarderTest, FragmentsOfAnotherProtocolAreOthers) {
  send(udp().payload(std::string(64, 'a')).fragment(7, 0, true));
  const auto ping = Packet().ip(names().client, names().vip).icmp(names().v6 ? 128 : 8);
  send(Packet(ping).payload(std::string(64, 'b')).fragment(7, 0, true));
  const auto later = send(udp().payload("12345678").fragment(7, 72, false)).verdict;
  if (!names().v6) {  // over IPv6 an id is the sender's for all of them (RFC 8200 section 4.5)
    EXPECT_EQ(later, leaves(2));
  }
}

TEST_P(ForwarderTest, OfDatagramsTheFirstOpensTheFlow) {
  EXPECT_EQ(send(udp()).verdict, leaves(2, FlowRole::kOpensFlow));
  EXPECT_EQ(send(udp()).verdict, leaves(2));
}

TEST_P(ForwarderTest, ATargetThatIsGoneKeepsItsFlows) {
  send(tcp());
  const auto other = names().v6 ? "[2001:db8::21]:80" : "192.0.2.21:80";
  configure(L4Snapshot(2).listener(at(names().vip, 80)).forwarded("pool").target(3, other, other));
  next_hops_.set(3, kNextHop);
  EXPECT_EQ(send(tcp()).verdict, leaves(1));
  EXPECT_EQ(send(Packet().ip(names().client, names().vip).tcp(1, 80).flags(kTcpSyn)).verdict,
            leaves(3, FlowRole::kOpensFlow));
}

INSTANTIATE_TEST_SUITE_P(Families, ForwarderTest, testing::ValuesIn(kForwarderNames),
                         [](const auto& instance) { return instance.param.v6 ? "Ipv6" : "Ipv4"; });

}  // namespace
}  // namespace headgate::l4
