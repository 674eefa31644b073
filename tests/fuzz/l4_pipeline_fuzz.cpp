// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l4 contract core
// One frame from either side through the whole packet path. Held: every packet gets exactly one exit, a drop
// has a reason and nothing else has one, and no byte outside the frame is touched (AddressSanitizer: the
// frame lies in memory of exactly its size). The first byte says from where it comes and how far its
// checksums are believed.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "dataplane/l4/pipeline.hpp"
#include "tests/support/l4_snapshot.hpp"

namespace {

using namespace headgate;

struct Fixture {
  l4::TargetMask mask;
  l4::Pipeline pipeline{{.flows = 1024, .secret = 1}, mask};
  Result<std::unique_ptr<const l4::L4Table>> table =
      l4::L4Table::build(test::L4Snapshot(1)
                             .listener("192.0.2.100:80")
                             .targets(2, 1, "198.19.255.1", 2000)
                             .listener("[2001:db8::100]:80")
                             .targets(2, 11, "fd68:6764:7465::1", 2000)
                             .build(),
                         nullptr, l4::Tick(0));
  TimePoint now{std::chrono::seconds(1000)};
};

void check(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Fixture fixture;
  if (size == 0 || size > 9000) return 0;
  const auto frame = std::make_unique<std::byte[]>(size - 1);
  std::memcpy(frame.get(), data + 1, size - 1);
  const l4::PacketView view{frame.get(), static_cast<uint16_t>(size - 1),
                            static_cast<l4::ChecksumTrust>(data[0] / 2 % 3)};
  l4::Verdict verdict;
  verdict.reason = l4::DropReason::kCount;  // what no verdict is
  fixture.now += std::chrono::milliseconds(100);
  if (data[0] % 2 == 0)
    fixture.pipeline.from_uplink(**fixture.table, {&view, 1}, {&verdict, 1}, fixture.now);
  else
    fixture.pipeline.from_host(**fixture.table, {&view, 1}, {&verdict, 1});
  check(verdict.reason < l4::DropReason::kCount);
  check((verdict.exit == l4::Exit::kDrop) == (verdict.reason != l4::DropReason::kNone));
  check(data[0] % 2 == 0 ? verdict.exit != l4::Exit::kUplink : verdict.exit != l4::Exit::kHost);
  return 0;
}
