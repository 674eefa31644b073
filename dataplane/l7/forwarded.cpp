// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/forwarded.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/authority.hpp"
#include "dataplane/l7/field_text.hpp"

namespace headgate::l7 {
namespace {

constexpr std::size_t kRequestIdBytesMax = 128;
constexpr std::size_t kPortDigitsMax = 5;
constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0,    0,
                                          0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 section 2.5.5.2

bool trusted(const IpAddress& address, const ClientSide& side) {
  return std::any_of(side.trusted_proxies.begin(), side.trusted_proxies.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

char* write(const IpAddress& address, char* out) {
  inet_ntop(address.is_v6() ? AF_INET6 : AF_INET, address.bytes().data(), out, INET6_ADDRSTRLEN);
  return out + std::strlen(out);
}

// An element of X-Forwarded-For: an address, with brackets or a port where its writer adds them.
std::optional<IpAddress> parse_hop(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return without_mapping(*address);
  if (const auto endpoint = Endpoint::parse(text)) return without_mapping(endpoint->address);
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  const auto address = IpAddress::parse(text.substr(1, text.size() - 2));
  return address && address->is_v6() ? std::optional(without_mapping(*address)) : std::nullopt;
}

// The hops that are believed, from the nearest: trusted proxies and then, last, the client.
struct Hops {
  std::array<IpAddress, limits::kForwardedHopsMax> addresses;
  std::size_t count = 0;
  bool ended = false;  // at the client, at text that is no address, or at the bound

  void add(std::string_view element, const ClientSide& side) {
    if (element.empty()) return;  // RFC 9110 section 5.6.1.2
    const auto address = parse_hop(element);
    if (address) addresses[count++] = *address;
    ended = !address || !trusted(*address, side) || count == addresses.size();
  }
};

Hops believed_hops(const Headers& headers, const ClientSide& side) {
  Hops hops;
  for (auto field = headers.end(); field != headers.begin() && !hops.ended;) {
    --field;
    if (field->id != HeaderId::kXForwardedFor) continue;
    std::string_view rest = field->value;
    for (bool more = true; more && !hops.ended;) {
      const auto comma = rest.rfind(',');
      more = comma != std::string_view::npos;
      hops.add(trim(more ? rest.substr(comma + 1) : rest), side);
      if (more) rest = rest.substr(0, comma);
    }
  }
  return hops;
}

// The field's value where it stands exactly once.
std::optional<std::string_view> sole(const Headers& headers, HeaderId id) {
  std::optional<std::string_view> value;
  for (const auto& field : headers) {
    if (field.id != id) continue;
    if (value) return std::nullopt;
    value = field.value;
  }
  return value;
}

std::string_view write_port(uint16_t port, Arena& arena) {
  char* const text = arena.allocate(kPortDigitsMax);
  char* const end = std::to_chars(text, text + kPortDigitsMax, port).ptr;
  arena.shrink_last(end);
  return {text, static_cast<std::size_t>(end - text)};
}

bool is_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0 &&
         text.size() <= kPortDigitsMax;
}

// A UUID of version 4 (RFC 9562 section 5.4), the form that tracing tools know.
std::string_view write_request_id(std::array<uint64_t, 2> random, Arena& arena) {
  random[0] = (random[0] & ~uint64_t{0xf000}) | 0x4000;
  random[1] = (random[1] & ~(uint64_t{3} << 62)) | uint64_t{2} << 62;
  constexpr std::size_t kBytes = 36;
  char* const text = arena.allocate(kBytes);
  char* at = text;
  for (unsigned nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) *at++ = '-';
    *at++ = "0123456789abcdef"[random[nibble / 16] >> (60 - nibble % 16 * 4) & 0xf];
  }
  return {text, kBytes};
}

std::string_view own_host(const RequestHead& request, Arena& arena) {
  if (!request.port) return request.host;
  return arena.join({request.host, ":", write_port(*request.port, arena)});
}

// What a trusted proxy says of scheme, host and port, each where it is well formed.
void believe(const Headers& headers, Arena& arena, ForwardedFacts& facts) {
  if (const auto scheme = sole(headers, HeaderId::kXForwardedProto); scheme == "http" || scheme == "https") {
    facts.scheme = *scheme;
    facts.port = facts.scheme == "https" ? "443" : "80";  // unless it says otherwise
  }
  if (const auto host = sole(headers, HeaderId::kXForwardedHost); host && parse_authority(*host, arena))
    facts.host = *host;
  if (const auto port = sole(headers, HeaderId::kXForwardedPort); port && is_port(*port)) facts.port = *port;
  if (const auto id = sole(headers, HeaderId::kXRequestId); id && is_request_id(*id)) facts.request_id = *id;
}

void believe_hops(const Headers& headers, const ClientSide& side, Arena& arena, ForwardedFacts& facts) {
  const Hops hops = believed_hops(headers, side);
  if (hops.count == 0) return;
  facts.client = hops.addresses[hops.count - 1];
  char* const begin = arena.allocate(hops.count * (INET6_ADDRSTRLEN + 2) + side.peer_text.size());
  char* at = write(facts.client, begin);
  facts.client_text = {begin, static_cast<std::size_t>(at - begin)};
  const auto separate = [&at] {
    *at++ = ',';
    *at++ = ' ';
  };
  for (std::size_t hop = hops.count - 1; hop > 0; --hop) {
    separate();
    at = write(hops.addresses[hop - 1], at);
  }
  separate();
  at = std::copy(side.peer_text.begin(), side.peer_text.end(), at);
  facts.forwarded_for = {begin, static_cast<std::size_t>(at - begin)};
  arena.shrink_last(at);
}

constexpr std::string_view kSaidOfClient[] = {"client-cert",      "client-cert-chain", "forwarded",
                                              "headgate-context", "x-real-ip",         "x-request-id"};

// Whether a backend that takes underscores for hyphens, as CGI and its kin do, would read what we say of the
// client out of such a name.
bool is_misspelt_fact(std::string_view name) {
  if (name.find('_') == std::string_view::npos) return false;
  const auto same = [](char a, char b) { return (a == '_' ? '-' : a) == b; };
  const auto begins_with = [&](std::string_view fact) {
    return name.size() >= fact.size() &&
           std::equal(fact.begin(), fact.end(), name.begin(), [&](char b, char a) { return same(a, b); });
  };
  return begins_with("x-forwarded-") ||
         std::any_of(std::begin(kSaidOfClient), std::end(kSaidOfClient),
                     [&](std::string_view fact) { return name.size() == fact.size() && begins_with(fact); });
}

// A name that we do not know, under which this peer may say nothing of the client.
bool tells_of_client(std::string_view name, const ForwardedFacts& facts) {
  return name == "x-real-ip" || (!facts.peer_trusted && name.starts_with("x-forwarded-")) ||
         is_misspelt_fact(name);
}

}  // namespace

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return ascii::is_alphanumeric(c) ||
                  std::string_view("-._~+/=:@").find(c) != std::string_view::npos;
         });
}

IpAddress without_mapping(const IpAddress& address) {
  const auto& bytes = address.bytes();
  if (!address.is_v6() || !std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return address;
  return IpAddress::v4(uint32_t{bytes[12]} << 24 | uint32_t{bytes[13]} << 16 | uint32_t{bytes[14]} << 8 |
                       bytes[15]);
}

IpAddress with_mapping(const IpAddress& address) {
  if (address.is_v6()) return address;
  std::array<uint8_t, 16> bytes{};
  std::copy(kMapped.begin(), kMapped.end(), bytes.begin());
  std::copy_n(address.bytes().begin(), 4, bytes.begin() + kMapped.size());
  return IpAddress::v6(bytes);
}

ForwardedFacts resolve_forwarded(const RequestHead& request, const ClientSide& client_side,
                                 const std::array<uint64_t, 2>& random, Arena& arena) {
  ForwardedFacts facts{.client = client_side.peer,
                       .client_text = client_side.peer_text,
                       .forwarded_for = client_side.peer_text,
                       .scheme = client_side.scheme,
                       .host = own_host(request, arena),
                       .port = write_port(client_side.listener_port, arena),
                       .request_id = {},
                       .peer_trusted = trusted(client_side.peer, client_side),
                       .certificate = client_side.certificate};
  facts.client_cert_believed =
      facts.peer_trusted && facts.certificate.sha256.empty() && !client_side.forwards_certificate;
  if (facts.peer_trusted) {
    believe(request.headers, arena, facts);
    believe_hops(request.headers, client_side, arena, facts);
  }
  if (facts.request_id.empty()) facts.request_id = write_request_id(random, arena);
  return facts;
}

void guard_trailers(Headers& trailers, const ForwardedFacts& facts) {
  trailers.remove_if([&](const Header& field) { return tells_of_client(field.name, facts); });
}

void set_forwarded(Headers& headers, const ForwardedFacts& facts) {
  // Of several (RFC 9440 section 2.2 allows one) nobody can tell which is the proxy's own.
  const bool keeps_certificate = facts.client_cert_believed && sole(headers, HeaderId::kClientCert);
  headers.remove_if([&](const Header& field) {
    switch (field.id) {
      case HeaderId::kClientCert:
      case HeaderId::kClientCertChain:
        return !keeps_certificate;
      case HeaderId::kForwarded:
      case HeaderId::kHeadgateContext:  // only a hop socket may say it
      case HeaderId::kXForwardedFor:
      case HeaderId::kXForwardedHost:
      case HeaderId::kXForwardedPort:
      case HeaderId::kXForwardedProto:
      case HeaderId::kXRequestId:
        return true;
      case HeaderId::kOther:
        break;
      default:
        return false;
    }
    return tells_of_client(field.name, facts);
  });
  headers.add(HeaderId::kXForwardedFor, facts.forwarded_for);
  headers.add(HeaderId::kXForwardedProto, facts.scheme);
  headers.add(HeaderId::kXForwardedHost, facts.host);
  headers.add(HeaderId::kXForwardedPort, facts.port);
  headers.add(HeaderId::kXRequestId, facts.request_id);
  if (!facts.certificate.field.empty()) headers.add(HeaderId::kClientCert, facts.certificate.field);
}

void add_forwarded(Headers& headers, const ForwardedFacts& facts, Arena& arena) {
  constexpr std::string_view kBetween = ", ";
  constexpr std::size_t kAroundAddress = std::string_view("for=\"[]\"").size();
  constexpr std::size_t kAroundRest = std::string_view(";host=\"\";proto=").size();
  const auto addresses =
      1 + static_cast<std::size_t>(std::count(facts.forwarded_for.begin(), facts.forwarded_for.end(), ','));
  char* const begin = arena.allocate(facts.forwarded_for.size() + addresses * kAroundAddress +
                                     facts.host.size() + facts.scheme.size() + kAroundRest);
  char* at = begin;
  const auto put = [&at](std::initializer_list<std::string_view> parts) {
    for (const auto part : parts) at = std::copy(part.begin(), part.end(), at);
  };
  std::string_view rest = facts.forwarded_for;
  for (bool first = true; !rest.empty(); first = false) {
    const auto address = rest.substr(0, rest.find(kBetween));
    rest.remove_prefix(std::min(rest.size(), address.size() + kBetween.size()));
    if (!first) put({kBetween});
    if (address.find(':') == std::string_view::npos)
      put({"for=", address});
    else
      put({"for=\"[", address, "]\""});
    if (!first) continue;
    if (!facts.host.empty()) put({";host=\"", facts.host, "\""});  // none of its characters ends that
    put({";proto=", facts.scheme});
  }
  arena.shrink_last(at);
  headers.add(HeaderId::kForwarded, {begin, static_cast<std::size_t>(at - begin)});
}

}  // namespace headgate::l7
