// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: shard
// Any bytes before a connection: a header is found at one length and no other, says the same whatever
// follows, and says it as well when it is written anew.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/shard/proxy_header.hpp"
#include "dataplane/shard/proxy_header_writer.hpp"

using headgate::contract::ProxyVersion;
using headgate::shard::parse_proxy_header;
using headgate::shard::ProxyHeader;
using Status = headgate::shard::ParsedProxyHeader::Status;

namespace {

bool same_ends(const ProxyHeader& a, const ProxyHeader& b) {
  return a.local == b.local && a.source == b.source && a.destination == b.destination;
}

void check_written(const ProxyHeader& header) {
  headgate::Arena arena;
  const auto binary =
      parse_proxy_header(headgate::shard::write_proxy_header(header, ProxyVersion::kV2, arena));
  HG_ASSERT(binary.status == Status::kWhole && same_ends(binary.header, header));
  HG_ASSERT(binary.header.alpn == header.alpn && binary.header.authority == header.authority &&
            binary.header.tls == header.tls && binary.header.hop_listener == header.hop_listener);
  const auto line = parse_proxy_header(headgate::shard::write_proxy_header(header, ProxyVersion::kV1, arena));
  HG_ASSERT(line.status == Status::kWhole && same_ends(line.header, header));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data),
                          size);  // a copy of exact size: its end is guarded
  const auto parsed = parse_proxy_header(bytes);
  if (parsed.status == Status::kPartial) HG_ASSERT(size < headgate::limits::kProxyHeaderBytesMax);
  const std::size_t whole = parsed.status == Status::kWhole ? parsed.header.size_bytes : size;
  HG_ASSERT(whole <= size);
  if (parsed.status == Status::kPartial || parsed.status == Status::kWhole)
    for (std::size_t length = 0; length < whole; ++length)
      HG_ASSERT(parse_proxy_header(std::string_view(bytes).substr(0, length)).status == Status::kPartial);
  if (parsed.status != Status::kWhole) return 0;
  const auto again = parse_proxy_header(std::string_view(bytes).substr(0, whole));
  HG_ASSERT(again.status == Status::kWhole && again.header.source == parsed.header.source &&
            again.header.destination == parsed.header.destination &&
            again.header.local == parsed.header.local);
  check_written(parsed.header);
  if (!parsed.header.local)
    HG_ASSERT(parsed.header.source.address.is_v6() == parsed.header.destination.address.is_v6());
  return 0;
}
