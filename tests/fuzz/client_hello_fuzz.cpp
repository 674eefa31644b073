// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: shard l7
// Any bytes in place of a ClientHello: it is whole at one length and no other, says the same whatever follows
// and however its message is cut into records, and names a host that routing can compare, or none.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/authority.hpp"
#include "dataplane/shard/client_hello.hpp"

using namespace headgate;
using shard::parse_client_hello;
using Status = shard::ParsedClientHello::Status;

namespace {

Status status_of(std::string bytes) { return parse_client_hello(bytes).status; }

// The message of whole records, in records of `each` bytes.
std::string cut_again(const std::string& bytes, std::size_t each) {
  std::string message;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = static_cast<std::size_t>(static_cast<uint8_t>(bytes[at + 3]) << 8 |
                                                 static_cast<uint8_t>(bytes[at + 4]));
    message += bytes.substr(at + 5, length);
    at += 5 + length;
  }
  std::string cut;
  for (std::size_t at = 0; at < message.size(); at += each) {
    const auto piece = message.substr(at, each);
    cut += std::string("\x16\x03\x03", 3) + static_cast<char>(piece.size() >> 8) +
           static_cast<char>(piece.size() & 0xff) + piece;
  }
  return cut;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string original(reinterpret_cast<const char*>(data), size);
  std::string bytes = original;
  bytes.shrink_to_fit();
  const auto parsed = parse_client_hello(bytes);
  HG_ASSERT((parsed.status == Status::kMalformed) == (parsed.fault != shard::HelloFault::kNone));
  if (parsed.status == Status::kPartial) HG_ASSERT(size < limits::kClientHelloBytesMax);
  if (parsed.status != Status::kWhole) return 0;
  const std::string name(parsed.hello.server_name);
  const std::string alpn(parsed.hello.alpn);
  HG_ASSERT(name.empty() || (l7::is_normal_host(name) && name.front() != '['));
  std::size_t whole = 0;
  while (status_of(original.substr(0, whole)) == Status::kPartial) ++whole;
  HG_ASSERT(status_of(original.substr(0, whole)) == Status::kWhole);
  for (const std::size_t each : {std::size_t{16384}, std::size_t{41}, std::size_t{3}}) {
    auto again = cut_again(original.substr(0, whole), each);
    if (again.size() > limits::kClientHelloBytesMax) continue;
    const auto same = parse_client_hello(again);
    HG_ASSERT(same.status == Status::kWhole && same.hello.server_name == name && same.hello.alpn == alpn);
  }
  Arena arena;
  HG_ASSERT(shard::alpn_text(alpn, arena).size() <= limits::kAlpnTextBytesMax);
  return 0;
}
