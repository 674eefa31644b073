// SPDX-License-Identifier: Apache-2.0
// Tables of packets: description, packet in, verdict and packet out. After each test the conservation law is
// checked over all verdicts that it has seen.
#include "dataplane/l4/pipeline.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/l4_snapshot.hpp"
#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::L4Snapshot;
using test::Packet;

// Two families, one table of tests: the addresses of either.
struct Names {
  const char* client;
  const char* vip;
  const char* local;
  const char* machine;  // hg0's own address
  bool v6;
};
constexpr Names kFamilies[] = {{"192.0.2.2", "192.0.2.100", "198.19.255.1", "192.0.2.10", false},
                               {"2001:db8::2", "2001:db8::100", "fd68:6764:7465::1", "2001:db8::10", true}};
constexpr uint16_t kLocalPort = 2000;

class PipelineTest : public testing::TestWithParam<Names> {
 protected:
  void SetUp() override {
    const auto at = [&](const char* address, uint16_t port) {
      return Endpoint{*IpAddress::parse(address), port}.to_string();
    };
    configure(L4Snapshot(1).listener(at(names().vip, 80)).target(1, "edge/0", at(names().local, kLocalPort)));
  }
  void TearDown() override {
    uint64_t accounted = 0;
    for (const auto count : exits_) accounted += count;
    uint64_t dropped = 0;
    for (const auto count : drops_) dropped += count;
    EXPECT_EQ(received_, accounted);
    EXPECT_EQ(dropped, exits_[static_cast<std::size_t>(Exit::kDrop)]);
    EXPECT_EQ(drops_[0], 0u) << "a drop without a reason";
  }

  const Names& names() const { return GetParam(); }
  void configure(const L4Snapshot& snapshot) {
    auto table = L4Table::build(snapshot.build(), table_.get(), Tick::at(now_));
    ASSERT_TRUE(table.ok()) << table.error().message;
    old_ = std::move(table_);
    table_ = std::move(table).value();
  }

  Packet from_client() const { return Packet().ip(names().client, names().vip).tcp(40'000, 80); }
  Packet to_target() const { return Packet().ip(names().client, names().local).tcp(40'000, kLocalPort); }
  Packet from_target() const { return Packet().ip(names().local, names().client).tcp(kLocalPort, 40'000); }
  Packet to_client() const { return Packet().ip(names().vip, names().client).tcp(80, 40'000); }

  void count(const std::vector<Verdict>& verdicts) {
    for (const Verdict& verdict : verdicts) {
      ++received_;
      ++exits_[static_cast<std::size_t>(verdict.exit)];
      if (verdict.exit == Exit::kDrop) ++drops_[static_cast<std::size_t>(verdict.reason)];
    }
  }
  Verdict uplink(Bytes& bytes, ChecksumTrust trust = ChecksumTrust::kMayBePartial) {
    PacketView view{
        .data = bytes.data(), .length_bytes = static_cast<uint16_t>(bytes.size()), .trust = trust};
    std::vector<Verdict> verdicts(1);
    pipeline_.from_uplink({*table_, routes_}, {&view, 1}, verdicts, now_);
    count(verdicts);
    return verdicts[0];
  }
  Verdict host(Bytes& bytes) {
    const PacketView view{.data = bytes.data(), .length_bytes = static_cast<uint16_t>(bytes.size())};
    std::vector<Verdict> verdicts(1);
    pipeline_.from_host(*table_, {&view, 1}, verdicts);
    count(verdicts);
    return verdicts[0];
  }

  struct Case {
    const char* description;
    Packet in;
    Exit exit;
    DropReason reason;
    Packet out;
  };
  void check(const Case& test, Verdict verdict, const Bytes& bytes) {
    EXPECT_EQ(verdict.exit, test.exit) << test.description;
    EXPECT_EQ(name_of(verdict.reason), name_of(test.reason)) << test.description;
    if (test.exit != Exit::kDrop) {
      EXPECT_EQ(bytes, test.out.build()) << test.description;
    }
  }
  static Case drop(const char* description, const Packet& in, DropReason reason) {
    return {description, in, Exit::kDrop, reason, in};
  }

  TimePoint now_{100'000s};
  TargetMask mask_;
  NextHops next_hops_;
  RouteTable routes_;
  Pipeline pipeline_{{.flows = 4096, .secret = 1, .uplink_mac = {}}, mask_, next_hops_};
  std::unique_ptr<const L4Table> table_;
  std::unique_ptr<const L4Table> old_;
  uint64_t received_ = 0;
  std::array<uint64_t, kExitCount> exits_{};
  std::array<uint64_t, kDropReasonCount> drops_{};
};

TEST_P(PipelineTest, FromTheUplink) {
  const auto [client, vip, local, machine, v6] = names();
  const auto passed = [](const char* description, const Packet& packet) {
    return Case{description, packet, Exit::kHost, DropReason::kNone, packet};
  };
  const auto balanced = [](const char* description, const Packet& in, const Packet& out) {
    return Case{description, in, Exit::kHost, DropReason::kNone, out};
  };
  const Case cases[] = {
      balanced("SYN to the listener", from_client().flags(kTcpSyn), to_target().flags(kTcpSyn)),
      balanced("data", from_client().payload("GET / HTTP/1.1\r\n"),
               to_target().payload("GET / HTTP/1.1\r\n")),
      balanced("TTL, TOS and ECN are the client's", from_client().ttl(1).tos(0xff),
               to_target().ttl(1).tos(0xff)),
      balanced("padding of a small frame", from_client().padding(6), to_target().padding(6)),
      balanced("a partial checksum is finished", from_client().payload("abc").partial_checksum(),
               to_target().payload("abc")),
      passed("another port of the VIP", Packet().ip(client, vip).tcp(40'000, 22)),
      passed("UDP to the listener's port", Packet().ip(client, vip).udp(40'000, 80).payload("x")),
      passed("echo to the VIP", Packet().ip(client, vip).icmp(v6 ? 128 : 8).payload("ping")),
      passed("TCP to the machine", Packet().ip(client, machine).tcp(40'000, 80)),
      passed("a wrong checksum for the machine is the kernel's business",
             Packet().ip(client, machine).tcp(40'000, 80).wrong_checksum()),
      balanced("a partial checksum for the machine",
               Packet().ip(client, machine).tcp(40'000, 22).partial_checksum(),
               Packet().ip(client, machine).tcp(40'000, 22)),
      passed("ARP", Packet().ether_type(kEtherTypeArp).payload("who has 192.0.2.100?")),
      passed("LLDP", Packet().ether_type(0x88cc).payload("hello")),
      passed("BGP", Packet().ip(client, machine).tcp(40'000, 179)),
      passed("OSPF", Packet().ip(client, machine).protocol(89).payload("hello")),
      passed("an ICMP error that quotes nobody's packet",
             Packet().ip(client, vip).icmp(v6 ? 1 : 3).quoting(Packet().ip(vip, client).udp(9, 9))),
      drop("a wrong TCP checksum", from_client().wrong_checksum(), DropReason::kTransportChecksumWrong),
      drop("the local address itself", Packet().ip(client, local).tcp(40'000, kLocalPort),
           DropReason::kLocalAddress),
      drop("an echo to the local address", Packet().ip(client, local).icmp(v6 ? 128 : 8),
           DropReason::kLocalAddress),
      drop("the VIP's own address as source", Packet().ip(vip, vip).tcp(80, 80), DropReason::kSourceSpoofed),
      drop("the local address as source", Packet().ip(local, vip).tcp(40'000, 80),
           DropReason::kSourceSpoofed),
      drop("a later fragment without its first", from_client().fragment(77, 64, false).payload("12345678"),
           DropReason::kFragmentUnmatched),
  };
  for (const Case& test : cases) {
    Bytes bytes = test.in.build();
    const Verdict verdict = uplink(bytes);
    check(test, verdict, bytes);
  }
}

TEST_P(PipelineTest, FromTheHost) {
  const auto [client, vip, local, machine, v6] = names();
  const auto untouched = [](const char* description, const Packet& packet) {
    return Case{description, packet, Exit::kUplink, DropReason::kNone, packet};
  };
  const auto translated = [](const char* description, const Packet& in, const Packet& out) {
    return Case{description, in, Exit::kUplink, DropReason::kNone, out};
  };
  const Case cases[] = {
      translated("an answer", from_target().flags(kTcpSyn | kTcpAck), to_client().flags(kTcpSyn | kTcpAck)),
      translated("data", from_target().payload("HTTP/1.1 200"), to_client().payload("HTTP/1.1 200")),
      translated("a partial checksum", from_target().payload("abc").partial_checksum(),
                 to_client().payload("abc")),
      untouched("the machine's own TCP", Packet().ip(machine, client).tcp(22, 40'000)),
      untouched("the kernel's own answer from the VIP",
                Packet().ip(vip, client).tcp(81, 40'000).flags(kTcpRst)),
      untouched("ARP", Packet().ether_type(kEtherTypeArp).payload("is at")),
      untouched("echo reply", Packet().ip(vip, client).icmp(v6 ? 129 : 0).payload("pong")),
      translated("the machine's UDP with a partial checksum",
                 Packet().ip(machine, client).udp(53, 4000).payload("answer").partial_checksum(),
                 Packet().ip(machine, client).udp(53, 4000).payload("answer")),
      drop("a local port of nobody", Packet().ip(local, client).tcp(2001, 40'000), DropReason::kLocalAddress),
      drop("UDP from the local address", Packet().ip(local, client).udp(kLocalPort, 40'000),
           DropReason::kLocalAddress),
      drop("an echo from the local address", Packet().ip(local, client).icmp(v6 ? 129 : 0),
           DropReason::kLocalAddress),
  };
  for (const Case& test : cases) {
    Bytes bytes = test.in.build();
    const Verdict verdict = host(bytes);
    check(test, verdict, bytes);
  }
}

TEST_P(PipelineTest, IcmpErrorsAreTranslatedWithTheirFlow) {
  const auto [client, vip, local, machine, v6] = names();
  const char* router = v6 ? "2001:db8:9::1" : "203.0.113.1";
  const uint8_t type = v6 ? 2 : 3;
  const uint8_t code = v6 ? 0 : 4;
  Bytes opening = from_client().flags(kTcpAck).build();
  EXPECT_EQ(uplink(opening).exit, Exit::kHost);
  const std::size_t header_bytes = v6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header);
  for (const std::size_t quoted_bytes :
       {header_bytes + 8, header_bytes + 16, header_bytes + 18, header_bytes + 119}) {
    Bytes in = Packet()
                   .ip(router, vip)
                   .icmp(type, code)
                   .quoting(to_client().payload(std::string(100, 'x')), quoted_bytes)
                   .build();
    const Bytes out = Packet()
                          .ip(router, local)
                          .icmp(type, code)
                          .quoting(from_target().payload(std::string(100, 'x')), quoted_bytes)
                          .build();
    EXPECT_EQ(uplink(in).exit, Exit::kHost);
    EXPECT_EQ(in, out) << quoted_bytes;
    // And the kernel's, about what came to the target.
    Bytes error =
        Packet().ip(local, client).icmp(type, code).quoting(to_target().payload("x"), quoted_bytes).build();
    const Bytes expected =
        Packet().ip(vip, client).icmp(type, code).quoting(from_client().payload("x"), quoted_bytes).build();
    EXPECT_EQ(host(error).exit, Exit::kUplink);
    EXPECT_EQ(error, expected) << quoted_bytes;
  }
  EXPECT_EQ(pipeline_.counts().icmp_errors_translated, 8u);
  Bytes unquoted = Packet().ip(local, client).icmp(type, code).payload("1234").build();
  EXPECT_EQ(host(unquoted), Verdict::drop(DropReason::kLocalAddress));
  Bytes short_quote =
      Packet().ip(router, vip).icmp(type, code).quoting(to_client(), header_bytes + 3).build();
  EXPECT_EQ(uplink(short_quote), Verdict::host());  // untouched
}

TEST_P(PipelineTest, AnIcmpErrorThatIsDamagedIsDropped) {
  const auto error = Packet()
                         .ip(names().client, names().vip)
                         .icmp(names().v6 ? 2 : 3, names().v6 ? 0 : 4)
                         .quoting(to_client().payload(std::string(100, 'x')));
  Bytes damaged = error.build();
  damaged.back() ^= std::byte(1);
  EXPECT_EQ(uplink(damaged), Verdict::drop(DropReason::kTransportChecksumWrong));
  Bytes whole = error.build();
  EXPECT_EQ(uplink(whole).exit, Exit::kHost);
}

TEST_P(PipelineTest, FragmentsOfAnIcmpErrorPassUntouched) {
  const auto error = [&] {
    return Packet().ip(names().client, names().vip).icmp(names().v6 ? 2 : 3, names().v6 ? 0 : 4);
  };
  Bytes first = error().quoting(to_client()).fragment(7, 0, true).build();
  const Bytes before = first;
  EXPECT_EQ(uplink(first), Verdict::host());
  EXPECT_EQ(first, before);
  Bytes later = error().payload("12345678").fragment(7, 64, false).build();
  EXPECT_EQ(uplink(later), Verdict::host());
}

TEST_P(PipelineTest, FragmentsGoWhereTheFirstGoes) {
  const Packet first = from_client().payload(std::string(60, 'a')).fragment(7, 0, true);
  const Packet later = from_client().payload("12345678").fragment(7, 80, false);
  Bytes too_early = later.build();
  EXPECT_EQ(uplink(too_early), Verdict::drop(DropReason::kFragmentUnmatched));
  Bytes first_bytes = first.build();
  EXPECT_EQ(uplink(first_bytes).exit, Exit::kHost);
  EXPECT_EQ(first_bytes, to_target().payload(std::string(60, 'a')).fragment(7, 0, true).build());
  Bytes later_bytes = later.build();
  EXPECT_EQ(uplink(later_bytes).exit, Exit::kHost);
  EXPECT_EQ(later_bytes, to_target().payload("12345678").fragment(7, 80, false).build());
  // Answers in fragments, the same way back.
  Bytes answer = from_target().payload(std::string(60, 'b')).fragment(8, 0, true).build();
  EXPECT_EQ(host(answer).exit, Exit::kUplink);
  EXPECT_EQ(answer, to_client().payload(std::string(60, 'b')).fragment(8, 0, true).build());
  Bytes answer_end = from_target().payload("12345678").fragment(8, 80, false).build();
  EXPECT_EQ(host(answer_end).exit, Exit::kUplink);
  EXPECT_EQ(answer_end, to_client().payload("12345678").fragment(8, 80, false).build());
  Bytes unknown = from_target().payload("12345678").fragment(9, 80, false).build();
  EXPECT_EQ(host(unknown), Verdict::drop(DropReason::kFragmentUnmatched));
}

TEST_P(PipelineTest, FragmentsOfOneBurstFindTheirFirst) {
  Bytes frames[] = {from_client().payload(std::string(60, 'a')).fragment(7, 0, true).build(),
                    from_client().payload("12345678").fragment(7, 80, true).build(),
                    from_client().payload("12345678").fragment(7, 88, false).build()};
  std::vector<PacketView> views;
  for (auto& frame : frames)
    views.push_back({.data = frame.data(), .length_bytes = static_cast<uint16_t>(frame.size())});
  std::vector<Verdict> verdicts(views.size());
  pipeline_.from_uplink({*table_, routes_}, views, verdicts, now_);
  count(verdicts);
  for (const auto& verdict : verdicts) EXPECT_EQ(verdict.exit, Exit::kHost) << name_of(verdict.reason);
}

TEST_P(PipelineTest, FragmentsOfWhatIsNotBalancedPassUntouched) {
  const auto udp = [&] { return Packet().ip(names().client, names().vip).udp(5000, 53); };
  Bytes first = udp().payload("question").fragment(7, 0, true).build();
  const Bytes first_before = first;
  EXPECT_EQ(uplink(first), Verdict::host());
  EXPECT_EQ(first, first_before);
  Bytes later = udp().payload("12345678").fragment(7, 16, false).build();
  const Bytes later_before = later;
  EXPECT_EQ(uplink(later), Verdict::host());
  EXPECT_EQ(later, later_before);
  Bytes to_machine = Packet()
                         .ip(names().client, names().machine)
                         .tcp(1, 2)
                         .payload("12345678")
                         .fragment(9, 16, false)
                         .build();
  EXPECT_EQ(uplink(to_machine), Verdict::host());
}

TEST_P(PipelineTest, AListenerWithoutATargetDropsByName) {
  configure(L4Snapshot(2).listener(Endpoint{*IpAddress::parse(names().vip), 80}.to_string()));
  Bytes bytes = from_client().flags(kTcpSyn).build();
  EXPECT_EQ(uplink(bytes), Verdict::drop(DropReason::kNoTarget));
}

TEST_P(PipelineTest, VerdictsNameTheTargetAndTheFlowsOpening) {
  Bytes syn = from_client().flags(kTcpSyn).build();
  const Verdict opens{.exit = Exit::kHost, .role = FlowRole::kOpensFlow, .target_id = 1};
  EXPECT_EQ(uplink(syn), opens);
  Bytes data = from_client().build();
  const Verdict to{.exit = Exit::kHost, .role = FlowRole::kToTarget, .target_id = 1};
  EXPECT_EQ(uplink(data), to);
  Bytes answer = from_target().build();
  const Verdict from{.exit = Exit::kUplink, .role = FlowRole::kFromTarget, .target_id = 1};
  EXPECT_EQ(host(answer), from);
}

TEST_P(PipelineTest, AFloodToTheKernelIsLimitedByClass) {
  uint64_t passed = 0;
  for (uint64_t i = 0; i < 2 * limits::kHostIcmpPpsMax; ++i) {
    Bytes ping = Packet().ip(names().client, names().vip).icmp(names().v6 ? 128 : 8).build();
    const Verdict verdict = uplink(ping);
    passed += verdict.exit == Exit::kHost;
    if (verdict.exit == Exit::kDrop) {
      ASSERT_EQ(verdict.reason, DropReason::kHostRateIcmp);
    }
  }
  EXPECT_EQ(passed, limits::kHostIcmpPpsMax / 10);
  Bytes arp = Packet().ether_type(kEtherTypeArp).payload("who has").build();
  EXPECT_EQ(uplink(arp), Verdict::host());
  Bytes balanced = from_client().build();
  EXPECT_EQ(uplink(balanced).exit, Exit::kHost);
}

TEST_P(PipelineTest, ABurstIsTheSameAsItsPacketsOneByOne) {
  std::mt19937 random(3);
  const auto v6 = names().v6;
  for (int turn = 0; turn < 200; ++turn) {
    std::vector<Bytes> together;
    for (std::size_t i = 0; i < limits::kBurstMax; ++i) {
      switch (random() % 5) {
        case 0:
          together.push_back(Packet().ip(names().client, names().vip).icmp(v6 ? 128 : 8).build());
          break;
        case 1:
          together.push_back(Packet().ether_type(kEtherTypeArp).build());
          break;
        case 2:
          together.push_back(from_client().wrong_checksum().build());
          break;
        default:
          together.push_back(Packet()
                                 .ip(names().client, names().vip)
                                 .tcp(static_cast<uint16_t>(random()), 80)
                                 .flags(random() % 2 == 0 ? kTcpSyn : kTcpAck)
                                 .build());
      }
    }
    auto alone = together;
    std::vector<PacketView> views;
    for (auto& bytes : together)
      views.push_back({.data = bytes.data(), .length_bytes = static_cast<uint16_t>(bytes.size())});
    std::vector<Verdict> verdicts(views.size());
    now_ += 1s;
    pipeline_.from_uplink({*table_, routes_}, views, verdicts, now_);
    count(verdicts);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      ASSERT_EQ(uplink(alone[i]), verdicts[i]) << i;
      ASSERT_EQ(alone[i], together[i]) << i;
    }
  }
}

TEST_P(PipelineTest, GarbageIsAccountedFor) {
  std::mt19937 random(4);
  const Bytes seeds[] = {
      from_client().payload("hello").build(), from_target().payload("hello").build(),
      Packet().ip(names().client, names().vip).icmp(names().v6 ? 2 : 3).quoting(to_client()).build(),
      from_client().fragment(3, 0, true).build()};
  for (int turn = 0; turn < 50'000; ++turn) {
    Bytes bytes = seeds[random() % std::size(seeds)];
    for (unsigned i = 0; i <= random() % 5; ++i) bytes[random() % bytes.size()] = std::byte(random());
    bytes.resize(random() % (bytes.size() + 1));
    bytes.shrink_to_fit();
    Bytes copy = bytes;
    copy.shrink_to_fit();
    static_cast<void>(uplink(bytes));
    static_cast<void>(host(copy));
  }
}

TEST_P(PipelineTest, TendingForgetsWhatHasExpired) {
  for (uint16_t port = 1; port <= 500; ++port) {
    Bytes bytes = Packet().ip(names().client, names().vip).tcp(port, 80).build();
    static_cast<void>(uplink(bytes));
  }
  EXPECT_GT(pipeline_.counts().flows_held, 450u);
  for (int second = 0; second < 2000; ++second) {
    now_ += 1s;
    pipeline_.tend(now_);
  }
  EXPECT_EQ(pipeline_.counts().flows_held, 0u);
}

TEST_P(PipelineTest, TendingMakesUpForALongSleep) {
  Bytes bytes = from_client().build();
  EXPECT_EQ(uplink(bytes).exit, Exit::kHost);
  pipeline_.tend(now_);
  now_ += 1500s;
  while (pipeline_.tend(now_)) {
  }
  EXPECT_EQ(pipeline_.counts().flows_held, 0u);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, PipelineTest, testing::ValuesIn(kFamilies),
                         [](const auto& param) { return param.param.v6 ? "Ipv6" : "Ipv4"; });

// What only one family has.
class PipelineV4Test : public PipelineTest {};
INSTANTIATE_TEST_SUITE_P(Ipv4, PipelineV4Test, testing::Values(kFamilies[0]));
TEST_P(PipelineV4Test, OptionsAreHandled) {
  Bytes bytes = from_client().options(5).payload("x").build();
  EXPECT_EQ(uplink(bytes).exit, Exit::kHost);
  EXPECT_EQ(bytes, to_target().options(5).payload("x").build());
  Bytes wrong = from_client().wrong_ip_checksum().build();
  EXPECT_EQ(uplink(wrong), Verdict::drop(DropReason::kIpChecksumWrong));
}

class PipelineV6Test : public PipelineTest {};
INSTANTIATE_TEST_SUITE_P(Ipv6, PipelineV6Test, testing::Values(kFamilies[1]));
TEST_P(PipelineV6Test, ExtensionHeadersAreHandled) {
  Bytes bytes = from_client().extension(kProtocolHopByHop).extension(kProtocolDestinationOptions, 2).build();
  EXPECT_EQ(uplink(bytes).exit, Exit::kHost);
  EXPECT_EQ(bytes,
            to_target().extension(kProtocolHopByHop).extension(kProtocolDestinationOptions, 2).build());
  Packet many = from_client();
  for (int i = 0; i < 9; ++i) many.extension(kProtocolDestinationOptions);
  Bytes endless = many.build();
  EXPECT_EQ(uplink(endless), Verdict::drop(DropReason::kExtensionsInvalid));
}
TEST_P(PipelineV6Test, ANeighbourMaySpeakOfOurAddress) {
  Bytes advertisement = Packet().ip(names().vip, "ff02::1").icmp(136).build();
  EXPECT_EQ(uplink(advertisement), Verdict::host());
}

}  // namespace
}  // namespace headgate::l4
