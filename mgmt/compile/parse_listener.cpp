// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "dataplane/core/mac_address.hpp"
#include "mgmt/compile/fields.hpp"
#include "mgmt/compile/hostname.hpp"
#include "mgmt/compile/local_addresses.hpp"
#include "mgmt/compile/parse.hpp"

namespace headgate::compile {
namespace {

constexpr uint64_t kVniMax = (1u << 24) - 1;

// What no client can reach, or only on its own link. Loopback is allowed: a node without uplink serves there.
std::string_view unfit(const IpAddress& address) {
  if (address.is_multicast()) return "is a multicast address";
  if (address == local_address_v4() || address == local_address_v6())
    return "is Headgate's own on every node";
  if (address.is_v6()) {
    if (address.is_unspecified()) return "is no address to listen on: name one that clients reach";
    if (address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0) == 0x80) return "is a link-local address";
    if (Prefix::parse("::ffff:0:0/96")->contains(address))
      return "is an IPv4 address in IPv6 form: write it as IPv4";
    return "";
  }
  const auto top = address.v4_host_order() >> 24;
  if (top == 0) return "is no address to listen on: name one that clients reach";
  if (top >= 240) return "is a reserved address";
  if (address.v4_host_order() >> 16 == 0xa9fe) return "is a link-local address";
  return "";
}

void read_address(Fields& fields, Listener& listener) {
  fields.require("address");
  const auto* text = fields.string("address");
  if (!text) return;
  const auto address = IpAddress::parse(*text);
  if (!address) return fields.fault("address", "invalid_value", "must be an IPv4 or IPv6 address");
  if (const auto reason = unfit(*address); !reason.empty())
    return fields.fault("address", "invalid_value", *text + " " + std::string(reason));
  listener.address = *address;
}

void read_trusted_proxies(Fields& fields, Listener& listener) {
  fields.each_string("trusted_proxies", [&](const std::string& text, const std::string& pointer) {
    if (const auto prefix = Prefix::parse(text))
      listener.trusted_proxies.push_back(*prefix);
    else
      fields.faults().add(pointer, "invalid_value", "must be an address or a CIDR prefix without host bits");
  });
  fields.read("proxy_protocol", listener.proxy_protocol);
  if (listener.proxy_protocol && !fields.has("trusted_proxies"))
    fields.fault("trusted_proxies", "missing_field",
                 "trusted_proxies is needed: who speaks the PROXY protocol");
}

void read_certificates(Fields& tls, ListenerTls& into) {
  tls.require("certificates");
  bool is_empty = true;
  tls.each_string("certificates", [&](const std::string& text, const std::string& pointer) {
    is_empty = false;
    const auto reference = parse_reference(text);
    if (!reference)
      tls.faults().add(pointer, "invalid_name", "must be a certificate's name, or namespace/name");
    else if (std::find(into.certificates.begin(), into.certificates.end(), *reference) !=
             into.certificates.end())
      tls.faults().add(pointer, "duplicate", text + " is named twice");
    else
      into.certificates.push_back(*reference);
  });
  if (tls.has("certificates") && is_empty)
    tls.fault("certificates", "out_of_range", "must name at least one certificate");
}

void read_client_auth(Fields& auth, ListenerTls& into) {
  auth.require("mode");
  auth.read_enum("mode", into.client_auth);
  if (const auto* text = auth.string("ca")) {
    into.client_ca = parse_reference(*text);
    if (!into.client_ca)
      auth.fault("ca", "invalid_name", "must be the name of a secret of type client_ca, or namespace/name");
  } else if (into.client_auth != contract::ClientAuth::kNone && !auth.has("ca")) {
    auth.fault("ca", "missing_field", "ca is needed: the secret with the authorities of the clients");
  }
  auth.read("forward_certificate", into.forward_certificate);
}

void read_tls(Fields& fields, Listener& listener) {
  fields.object("tls", [&](Fields& tls) {
    auto& into = listener.tls.emplace();
    read_certificates(tls, into);
    tls.read_enum("min_version", into.min_version);
    tls.object("client_auth", [&](Fields& auth) { read_client_auth(auth, into); });
  });
  if (listener.protocol == contract::Protocol::kHttps && !fields.has("tls"))
    fields.fault("tls", "missing_field", "tls is needed: the certificates that an https listener shows");
  if (listener.protocol != contract::Protocol::kHttps && fields.has("tls"))
    fields.fault("tls", "invalid_value", "only a listener of protocol https has tls");
}

void read_namespaces(Fields& fields, Listener& listener) {
  if (!fields.has("namespaces")) listener.namespaces = {"*"};
  fields.each_string("namespaces", [&](const std::string& name, const std::string& pointer) {
    if (name != "*" && !is_valid_name(name))
      fields.faults().add(pointer, "invalid_name", "must be a namespace's name, or *");
    else
      listener.namespaces.push_back(name);
  });
}

bool is_forwarded(const Listener& listener) {
  return listener.protocol == contract::Protocol::kTcp || listener.protocol == contract::Protocol::kUdp;
}

void read_shard(Fields& fields, Listener& listener) {
  fields.require("shard");
  fields.read("shard", listener.shard);
  if (fields.has("shard") && !is_valid_name(listener.shard))
    fields.fault("shard", "invalid_name", "must be a shard's name");
  fields.refuse("balance",
                "only a listener of protocol tcp or udp chooses backends; others have pools do so");
  fields.refuse("pool", "only a listener of protocol tcp or udp ends on a pool; others have routes to pools");
  if (listener.forwarding != contract::Forwarding::kLocal)
    fields.fault("forwarding", "invalid_value", "what ends on a shard is forwarded to its local replicas");
}

void read_vxlan(Fields& fields, Listener& listener) {
  if (listener.forwarding != contract::Forwarding::kVxlan)
    return fields.refuse("vxlan", "only forwarding vxlan has a network of its own");
  fields.require("vxlan");
  fields.object("vxlan", [&](Fields& vxlan) {
    auto& into = listener.vxlan.emplace();
    vxlan.require("vni");
    vxlan.read_integer("vni", {0, kVniMax}, into.vni);
    vxlan.require("mac");
    vxlan.read("mac", into.mac);
    const auto mac = parse_mac_address(into.mac);
    if (vxlan.has("mac") && (!mac || ((*mac)[0] & 1) != 0))
      vxlan.fault("mac", "invalid_value", "must be the MAC address of an interface, like 02:00:00:00:00:07");
  });
}

void read_pool(Fields& fields, Listener& listener) {
  fields.require("pool");
  if (const auto* text = fields.string("pool")) {
    listener.pool = parse_reference(*text);
    if (!listener.pool || listener.pool->namespace_name.empty())
      fields.fault("pool", "invalid_name", "must be namespace/name of a pool");
  }
  if (listener.address.is_loopback())
    fields.fault("address", "invalid_value", "no packet for a loopback address comes by the uplink");
  if (!fields.has("forwarding"))
    fields.fault("forwarding", "missing_field",
                 "forwarding is needed: how packets reach the pool's backends");
  else if (listener.forwarding == contract::Forwarding::kLocal)
    fields.fault("forwarding", "invalid_value", "local leads to the replicas of a shard, not to a pool");
  read_vxlan(fields, listener);
  fields.read_enum("balance", listener.balance);
  for (const auto* field : {"shard", "hostname", "trusted_proxies", "proxy_protocol", "escaped_slash",
                            "forwarded_header", "namespaces", "tls"})
    fields.refuse(field, "a listener of protocol tcp or udp ends on a pool and looks into no connection");
}

}  // namespace

Listener parse_listener(Fields& fields) {
  Listener listener;
  read_address(fields, listener);
  fields.require("port");
  fields.read_integer("port", {1, 65535}, listener.port);
  fields.read_enum("protocol", listener.protocol);
  fields.read_enum("forwarding", listener.forwarding);
  fields.read("labels", listener.labels);
  if (is_forwarded(listener)) {
    read_pool(fields, listener);
    return listener;
  }
  read_shard(fields, listener);
  read_tls(fields, listener);
  std::string hostname;
  fields.read("hostname", hostname);
  if (!hostname.empty()) {
    const auto parsed = parse_hostname(hostname);
    if (!parsed)
      fields.fault("hostname", "invalid_value", "must be a hostname, or *. and one; empty for any");
    listener.hostname = parsed.value_or("");
  }
  read_trusted_proxies(fields, listener);
  fields.read_enum("escaped_slash", listener.escaped_slash);
  if (listener.protocol == contract::Protocol::kTls && fields.has("escaped_slash"))
    fields.fault("escaped_slash", "invalid_value", "where TLS passes through, no path is seen");
  fields.read("forwarded_header", listener.forwarded_header);
  if (listener.protocol == contract::Protocol::kTls && listener.forwarded_header)
    fields.fault("forwarded_header", "invalid_value", "where TLS passes through, no header can be added");
  read_namespaces(fields, listener);
  return listener;
}

}  // namespace headgate::compile
