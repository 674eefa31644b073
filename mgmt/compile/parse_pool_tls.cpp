// SPDX-License-Identifier: Apache-2.0
// How TLS is spoken to a pool's backends, and what must agree with it.
#include <algorithm>

#include "dataplane/core/ascii.hpp"
#include "mgmt/compile/hostname.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/compile/parse_upstream.hpp"

namespace headgate::compile {
namespace {

using contract::HealthCheckType;
using contract::PoolProtocol;
using contract::PoolTlsMode;

// A URI is compared letter by letter; it is one where a colon follows its scheme (RFC 3986 section 3.1).
bool is_uri(const std::string& text) {
  const auto colon = text.find(':');
  const auto in_scheme = [](char c) {
    return ascii::is_lower(c) || ascii::is_digit(c) || c == '+' || c == '-' || c == '.';
  };
  return colon != std::string::npos && colon > 0 && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), in_scheme) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// The canonical text of an address, or a DNS name in lower case; empty where it is neither.
std::string canonical_name(const std::string& text) {
  if (const auto address = IpAddress::parse(text)) return address->to_string();
  return parse_dns_name(text).value_or("");
}

void read_names(Fields& tls, PoolTls& into) {
  if (const auto* text = tls.string("server_name")) {
    into.server_name = canonical_name(*text);
    if (into.server_name.empty())
      tls.fault("server_name", "invalid_value", "must be a DNS name or an IP address");
  }
  tls.each_string("subject_alt_names", [&](const std::string& text, const std::string& pointer) {
    const auto name = is_uri(text) && !IpAddress::parse(text) ? text : canonical_name(text);
    if (name.empty())
      tls.faults().add(pointer, "invalid_value", "must be a DNS name, an IP address or a URI");
    else
      into.subject_alt_names.push_back(name);
  });
  if (into.mode == PoolTlsMode::kInsecure && tls.has("subject_alt_names"))
    tls.fault("subject_alt_names", "invalid_value", "with mode insecure nothing is verified");
}

void read_trust(Fields& tls, const std::string& namespace_name, PoolTls& into) {
  const auto read = [&](const char* member, const std::string& what, std::optional<ObjectRef>& reference) {
    const auto* text = tls.string(member);
    if (!text) return;
    reference = parse_reference(*text);
    if (!reference)
      return tls.fault(member, "invalid_name", "must be the name of " + what + ", or namespace/name");
    if (reference->namespace_name.empty()) reference->namespace_name = namespace_name;
  };
  read("ca", "a secret of type ca", into.ca);
  read("certificate", "a certificate", into.certificate);
  if (into.mode == PoolTlsMode::kInsecure && tls.has("ca"))
    tls.fault("ca", "invalid_value", "with mode insecure nothing is verified");
}

}  // namespace

void read_pool_tls(Fields& fields, const std::string& namespace_name, Pool& pool) {
  fields.object("tls", [&](Fields& tls) {
    auto& into = pool.tls.emplace();
    tls.read_enum("mode", into.mode);
    read_names(tls, into);
    read_trust(tls, namespace_name, into);
    tls.read_enum("min_version", into.min_version);
    tls.read_enum("max_version", into.max_version);
    if (into.max_version < into.min_version)
      tls.fault("max_version", "out_of_range", "can't be below min_version");
  });
  if (pool.protocol == PoolProtocol::kH2c && pool.tls)
    fields.fault("protocol", "invalid_value", "h2c is HTTP/2 without TLS: with tls it is h2");
  if (pool.protocol == PoolProtocol::kH2 && !pool.tls)
    fields.fault("tls", "missing_field", "tls is needed: h2 is HTTP/2 over TLS, h2c without");
  const auto type = pool.health ? pool.health->type : HealthCheckType::kTcp;
  if (type == (pool.tls ? HealthCheckType::kHttp : HealthCheckType::kHttps))
    fields.faults().add(fields.pointer("health") + "/type", "invalid_value",
                        pool.tls ? "the backends speak TLS: https, or tcp, udp, icmp"
                                 : "the backends speak no TLS, for the pool has no tls: http, or tcp, udp, "
                                   "icmp");
}

}  // namespace headgate::compile
