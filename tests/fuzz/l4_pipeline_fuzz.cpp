// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l4 contract core
// One frame from either side through the whole packet path. Held: every packet gets exactly one exit, a drop
// has a reason and nothing else has one, and no byte outside the frame and its headroom is touched
// (AddressSanitizer: they lie in memory of exactly their size). The first byte says from where it comes, how
// far its checksums are believed, and whether there is headroom.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "dataplane/l4/pipeline.hpp"
#include "tests/support/l4_snapshot.hpp"

namespace {

using namespace headgate;

struct Fixture {
  l4::TargetMask mask;
  l4::NextHops next_hops;
  const IpAddress gateway = *IpAddress::parse("192.0.2.1");
  l4::RouteTable routes{std::make_shared<const l4::Routes>(std::vector<l4::Routes::Entry>{
                            {*Prefix::parse("0.0.0.0/0"), l4::RouteKind::kGateway, gateway},
                            {*Prefix::parse("::/0"), l4::RouteKind::kGateway, gateway}}),
                        {{gateway, MacAddress{2, 0, 0, 0, 0, 9}}}};
  l4::Pipeline pipeline{{.flows = 1024, .secret = 1, .uplink_mac = {}}, mask, next_hops};
  Result<std::unique_ptr<const l4::L4Table>> table =
      l4::L4Table::build(test::L4Snapshot(1)
                             .listener("192.0.2.100:80")
                             .targets(2, 1, "198.19.255.1", 2000)
                             .listener("[2001:db8::100]:80")
                             .targets(2, 11, "fd68:6764:7465::1", 2000)
                             .listener("192.0.2.101:53")
                             .forwarded("pool")
                             .udp()
                             .targets(2, 21, "192.0.2.20", 53)
                             .listener("[2001:db8::101]:53")
                             .forwarded("pool", contract::Forwarding::kIpip)
                             .targets(2, 31, "2001:db8::20", 53)
                             .listener("192.0.2.102:53")
                             .forwarded("pool", contract::Forwarding::kNat)
                             .udp()
                             .targets(1, 41, "192.0.2.21", 53)
                             .listener("192.0.2.103:80")
                             .forwarded("pool", contract::Forwarding::kFullnat)
                             .targets(1, 42, "192.0.2.21", 80)
                             .listener("[2001:db8::102]:53")
                             .forwarded("pool", contract::Forwarding::kFullnat)
                             .udp()
                             .targets(1, 43, "2001:db8::20", 53)
                             .build(),
                         nullptr, l4::Tick(0),
                         {.sources = {{*IpAddress::parse("2001:db8::20"), *IpAddress::parse("2001:db8::10")},
                                      {*IpAddress::parse("192.0.2.21"), *IpAddress::parse("192.0.2.10")}}});
  TimePoint now{std::chrono::seconds(1000)};

  Fixture() {
    for (const uint32_t id : {21u, 31u, 32u, 41u, 42u, 43u}) next_hops.set(id, MacAddress{2, 0, 0, 0, 0, 9});
  }
};

void check(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Fixture fixture;
  if (size == 0 || size > 9000) return 0;
  const uint16_t headroom_bytes = data[0] / 6 % 2 == 0 ? 128 : 0;
  const auto memory = std::make_unique<std::byte[]>(headroom_bytes + size - 1);
  std::memcpy(memory.get() + headroom_bytes, data + 1, size - 1);
  l4::PacketView view{.data = memory.get() + headroom_bytes,
                      .length_bytes = static_cast<uint16_t>(size - 1),
                      .headroom_bytes = headroom_bytes,
                      .trust = static_cast<l4::ChecksumTrust>(data[0] / 2 % 3)};
  l4::Verdict verdict;
  verdict.reason = l4::DropReason::kCount;  // what no verdict is
  fixture.now += std::chrono::milliseconds(100);
  if (data[0] % 2 == 0)
    fixture.pipeline.from_uplink({**fixture.table, fixture.routes}, {&view, 1}, {&verdict, 1}, fixture.now);
  else
    fixture.pipeline.from_host(**fixture.table, {&view, 1}, {&verdict, 1});
  check(verdict.reason < l4::DropReason::kCount);
  check((verdict.exit == l4::Exit::kDrop) == (verdict.reason != l4::DropReason::kNone));
  check(data[0] % 2 == 0 || verdict.exit != l4::Exit::kHost);
  check(view.data - view.headroom_bytes == memory.get());
  check(view.headroom_bytes + view.length_bytes <= headroom_bytes + static_cast<int>(size) - 1);
  return 0;
}
