// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7
// resolve_forwarded on any fields from a trusted proxy: what goes upstream holds only addresses, ports and
// characters that end no field. A line of the input is a field: its first byte says which.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/core/assert.hpp"
#include "dataplane/l7/authority.hpp"
#include "dataplane/l7/forwarded.hpp"

namespace {

using headgate::IpAddress;
using headgate::l7::HeaderId;

void check_chain(std::string_view chain) {
  for (bool more = true; more;) {
    const auto comma = chain.find(", ");
    more = comma != std::string_view::npos;
    HG_ASSERT(IpAddress::parse(chain.substr(0, comma)).has_value());
    if (more) chain.remove_prefix(comma + 2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static constexpr std::array kFields{HeaderId::kXForwardedFor, HeaderId::kXForwardedProto,
                                      HeaderId::kXForwardedHost, HeaderId::kXForwardedPort,
                                      HeaderId::kXRequestId};
  static const std::vector<headgate::Prefix> kTrusted{*headgate::Prefix::parse("10.0.0.0/8")};
  headgate::l7::RequestHead request;
  request.host = "app.example.com";
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.empty()) continue;
    const auto which = static_cast<unsigned char>(line[0]) % kFields.size();
    request.headers.add(kFields[which], line.substr(1));
  }
  headgate::Arena arena;
  const headgate::l7::ClientSide side{*IpAddress::parse("10.1.1.1"), "10.1.1.1", "http", 80, kTrusted};
  const auto facts = headgate::l7::resolve_forwarded(request, side, {1, 2}, arena);
  check_chain(facts.forwarded_for);
  HG_ASSERT(facts.forwarded_for.ends_with("10.1.1.1"));
  HG_ASSERT(facts.scheme == "http" || facts.scheme == "https");
  HG_ASSERT(headgate::l7::parse_authority(facts.host, arena).has_value());
  HG_ASSERT(!facts.port.empty() && facts.port.size() <= 5);
  HG_ASSERT(!facts.request_id.empty() && facts.request_id.find('\r') == std::string_view::npos);
  headgate::l7::set_forwarded(request.headers, facts);
  HG_ASSERT(request.headers.size() == kFields.size());
  headgate::l7::add_forwarded(request.headers, facts, arena);
  const auto forwarded = request.headers.find("forwarded")->value;
  HG_ASSERT(std::count(forwarded.begin(), forwarded.end(), '"') % 2 == 0);
  HG_ASSERT(forwarded.find('\\') == std::string_view::npos);
  return 0;
}
