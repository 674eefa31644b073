// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/parse_filter_lists.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/policy/header_edit.hpp"
#include "mgmt/compile/field_rules.hpp"
#include "mgmt/compile/hostname.hpp"

namespace headgate::compile {
namespace {

// Empty where a filter may touch the field of that name.
std::string fault_of_name(std::string_view name) {
  if (!is_token(name)) return "must be a header's name";
  if (name == "host") return "is not a filter's to edit: rewrite has hostname";
  return l7::policy::may_edit(name)
             ? ""
             : "is not a filter's to edit: it says where a message ends, or who the client is";
}

std::string code_of_name(std::string_view name) { return is_token(name) ? "not_allowed" : "invalid_value"; }

bool is_scheme(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.") == std::string_view::npos;
}

bool is_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool is_origin_host(std::string_view host) {
  if (host == "*" || parse_hostname(host)) return true;
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto address = IpAddress::parse(host.substr(1, host.size() - 2));
    return address && address->is_v6();
  }
  const auto address = IpAddress::parse(host);
  return address && address->is_v4();
}

// As browsers write it: lower case, without the scheme's own port. Empty where it is none.
std::string canonical_origin(std::string_view text) {
  if (text == "*") return "*";
  auto origin = ascii::lowered(text);
  const auto colon = origin.find("://");
  if (colon == std::string::npos || !is_scheme(std::string_view(origin).substr(0, colon))) return "";
  auto host = std::string_view(origin).substr(colon + 3);
  const auto port_at = host.find(':', host.find(']') == std::string_view::npos ? 0 : host.find(']'));
  const auto port = port_at == std::string_view::npos ? std::string_view{} : host.substr(port_at + 1);
  host = host.substr(0, port_at);
  if ((port_at != std::string_view::npos && !is_port(port)) || !is_origin_host(host)) return "";
  const auto scheme = std::string_view(origin).substr(0, colon);
  const bool own_port = (scheme == "http" && port == "80") || (scheme == "https" && port == "443");
  if (own_port) origin.resize(origin.size() - port.size() - 1);
  return origin;
}

void read_tokens(Fields& filter, std::string_view name, std::vector<std::string>& into) {
  filter.each_string(name, [&](const std::string& text, const std::string& pointer) {
    if (is_token(text))
      into.push_back(text);
    else
      filter.faults().add(pointer, "invalid_value", "must be a name, or * for all");
  });
}

void read_prefixes(Fields& filter, std::string_view name, std::vector<Prefix>& into) {
  filter.each_string(name, [&](const std::string& text, const std::string& pointer) {
    if (const auto prefix = Prefix::parse(text))
      into.push_back(*prefix);
    else
      filter.faults().add(pointer, "invalid_value", "must be an address or a CIDR prefix without host bits");
  });
}

// What text is served as, and is not compressed already.
constexpr const char* kCompressedTypes[] = {"text/*",
                                            "application/javascript",
                                            "application/json",
                                            "application/manifest+json",
                                            "application/problem+json",
                                            "application/wasm",
                                            "application/xhtml+xml",
                                            "application/xml",
                                            "image/svg+xml"};

bool is_media_type(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || !is_token(text.substr(0, slash))) return false;
  return text.substr(0, slash) != "*" && is_token(text.substr(slash + 1));
}

}  // namespace

contract::NamedValue read_named_value(Fields& field) {
  contract::NamedValue into;
  field.require("name");
  field.require("value");
  field.read("name", into.name);
  field.read("value", into.value);
  into.name = ascii::lowered(into.name);
  if (const auto fault = field.has("name") ? fault_of_name(into.name) : ""; !fault.empty())
    field.fault("name", code_of_name(into.name), fault);
  if (!is_field_value(into.value))
    field.fault("value", "invalid_value", "holds what no header value can hold");
  return into;
}

contract::HeaderEdit read_header_edit(Fields& filter) {
  contract::HeaderEdit into;
  std::set<std::string> seen;
  filter.each_object("set", [&](Fields& each) {
    auto value = read_named_value(each);
    if (!value.name.empty() && !seen.insert(value.name).second)
      each.fault("name", "duplicate", value.name + " is set twice");
    into.set.push_back(std::move(value));
  });
  filter.each_object("add", [&](Fields& each) { into.add.push_back(read_named_value(each)); });
  filter.each_string("remove", [&](const std::string& text, const std::string& pointer) {
    auto name = ascii::lowered(text);
    if (const auto fault = fault_of_name(name); !fault.empty())
      filter.faults().add(pointer, code_of_name(name), fault);
    into.remove.push_back(std::move(name));
  });
  return into;
}

contract::Cors read_cors(Fields& filter) {
  contract::Cors into;
  filter.require("origins");
  filter.each_string("origins", [&](const std::string& text, const std::string& pointer) {
    auto origin = canonical_origin(text);
    if (origin.empty())
      filter.faults().add(pointer, "invalid_value",
                          "must be an origin, such as https://app.example or https://*.example, or *");
    into.origins.push_back(std::move(origin));
  });
  read_tokens(filter, "methods", into.methods);
  read_tokens(filter, "headers", into.headers);
  read_tokens(filter, "expose", into.expose);
  filter.read_duration("max_age", {0, 24 * 3'600'000}, into.max_age);
  filter.read("credentials", into.credentials);
  return into;
}

contract::Compression read_compression(Fields& filter) {
  contract::Compression into;
  filter.each_string("codings", [&](const std::string& text, const std::string& pointer) {
    const auto coding = contract::parse_enum<contract::ContentCoding>(text);
    if (!coding) return filter.faults().add(pointer, "invalid_value", "must be one of zstd, br, gzip");
    if (std::find(into.codings.begin(), into.codings.end(), *coding) != into.codings.end())
      return filter.faults().add(pointer, "duplicate", text + " is named twice");
    into.codings.push_back(*coding);
  });
  if (!filter.has("codings"))
    into.codings = {contract::ContentCoding::kZstd, contract::ContentCoding::kBrotli,
                    contract::ContentCoding::kGzip};
  else if (into.codings.empty())
    filter.fault("codings", "out_of_range", "must name at least one of zstd, br, gzip");
  filter.each_string("types", [&](const std::string& text, const std::string& pointer) {
    if (!is_media_type(text))
      return filter.faults().add(pointer, "invalid_value",
                                 "must be a media type, such as text/html, or text/*");
    into.types.push_back(ascii::lowered(text));
  });
  if (!filter.has("types")) into.types.assign(std::begin(kCompressedTypes), std::end(kCompressedTypes));
  filter.read_size("min_size", {0, limits::kCompressionBytesMinMax}, into.bytes_min);
  return into;
}

contract::IpAccess read_ip_access(Fields& filter) {
  contract::IpAccess into;
  read_prefixes(filter, "allow", into.allow);
  read_prefixes(filter, "deny", into.deny);
  if (into.allow.empty() && into.deny.empty() && !filter.has("allow") && !filter.has("deny"))
    filter.fault("allow", "missing_field", "allow or deny is needed");
  return into;
}

}  // namespace headgate::compile
