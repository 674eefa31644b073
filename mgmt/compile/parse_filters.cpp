// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/policy/header_edit.hpp"
#include "mgmt/compile/field_rules.hpp"
#include "mgmt/compile/hostname.hpp"
#include "mgmt/compile/parse_filter_lists.hpp"
#include "mgmt/compile/parse_rule.hpp"
#include "mgmt/compile/path_rules.hpp"

namespace headgate::compile {
namespace {

using Matches = std::vector<contract::RouteMatch>;

bool all_prefixes(const Matches& matches) {
  return std::all_of(matches.begin(), matches.end(), [](const contract::RouteMatch& match) {
    return match.path.type == contract::PathMatchType::kPrefix;
  });
}

std::string fault_of_edit(const contract::PathEdit& edit) {
  if (edit.type == contract::PathEditType::kPrefix && edit.value.empty()) return "";
  if (const auto fault = fault_of_path(edit.value); !fault.empty()) return std::string(fault);
  return std::string(fault_of_normal_form(edit.value));
}

void read_path_edit(Fields& filter, const Matches& matches, std::optional<contract::PathEdit>& into) {
  filter.object("path", [&](Fields& path) {
    auto& edit = into.emplace();
    path.require("value");
    path.read_enum("type", edit.type);
    path.read("value", edit.value);
    if (const auto fault = path.has("value") ? fault_of_edit(edit) : ""; !fault.empty())
      path.fault("value", "invalid_value", fault);
    if (edit.type == contract::PathEditType::kPrefix && !all_prefixes(matches))
      path.fault("type", "invalid_value", "a prefix can be replaced only where every match is a prefix");
  });
}

void read_hostname(Fields& filter, std::string& into) {
  const auto* text = filter.string("hostname");
  if (!text) return;
  const auto name = parse_dns_name(*text);
  if (!name)
    filter.fault("hostname", "invalid_value", "must be a hostname; no wildcard, no port, no address");
  into = name.value_or("");
}

contract::Redirect read_redirect(Fields& filter, const Matches& matches) {
  contract::Redirect into;
  filter.read("scheme", into.scheme);
  if (filter.has("scheme") && into.scheme != "http" && into.scheme != "https")
    filter.fault("scheme", "invalid_value", "must be one of http, https");
  read_hostname(filter, into.hostname);
  read_path_edit(filter, matches, into.path);
  filter.read_integer("port", {1, 65535}, into.port);
  filter.read_integer("status", {301, 308}, into.status);
  if (into.status > 303 && into.status < 307)
    filter.fault("status", "invalid_value", "must be one of 301, 302, 303, 307, 308");
  return into;
}

contract::Rewrite read_rewrite(Fields& filter, const Matches& matches) {
  contract::Rewrite into;
  read_hostname(filter, into.hostname);
  read_path_edit(filter, matches, into.path);
  return into;
}

contract::DirectResponse read_direct_response(Fields& filter) {
  contract::DirectResponse into;
  filter.read_integer("status", {200, 599}, into.status);
  filter.read("body", into.body);
  filter.each_object("headers", [&](Fields& each) { into.headers.push_back(read_named_value(each)); });
  const bool bodiless = into.status == 204 || into.status == 205 || into.status == 304;
  if (bodiless && !into.body.empty())
    filter.fault("body", "invalid_value", "an answer of this status has no body");
  return into;
}

// Of a limit that counts by a header of that name.
std::string fault_of_rate_header(const std::string& name) {
  if (name == "host")
    return "is no header of a request when it is routed; routes for a hostname each have a limit each";
  return std::string(fault_of_routed_name(name));
}

contract::RateLimit read_rate_limit(Fields& filter) {
  contract::RateLimit into;
  constexpr uint64_t kPeriodMaxMs = std::chrono::milliseconds(limits::kRateLimitPeriodMax).count();
  filter.require("requests");
  filter.read_integer("requests", {1, limits::kRateLimitBurstMax}, into.requests);
  filter.read_duration("per", {100, kPeriodMaxMs}, into.period);
  into.burst = into.requests;
  filter.read_integer("burst", {1, limits::kRateLimitBurstMax}, into.burst);
  filter.read_enum("key", into.key);
  filter.read("header", into.header);
  into.header = ascii::lowered(into.header);
  const bool by_header = into.key == contract::RateKey::kHeader;
  if (by_header) filter.require("header");
  if (filter.has("header") && !by_header)
    filter.fault("header", "invalid_value", "only a limit whose key is header counts by one");
  else if (filter.has("header") && !is_token(into.header))
    filter.fault("header", "invalid_value", "must be a header's name");
  else if (const auto fault = fault_of_rate_header(into.header); !fault.empty())
    filter.pointless("header", "not_allowed", fault);
  return into;
}

contract::BufferRequest read_buffer_request(Fields& filter) {
  contract::BufferRequest into;
  filter.require("max_bytes");
  filter.read_size("max_bytes", {1, limits::kRequestBufferBytesMax}, into.max_bytes);
  return into;
}

std::vector<contract::Mirror> read_mirrors(Fields& filters, const std::string& namespace_name) {
  std::vector<contract::Mirror> into;
  filters.each_object("mirror", [&](Fields& mirror) {
    const auto pool = read_pool_reference(mirror, namespace_name);
    auto& read = into.emplace_back();
    read.pool = pool.namespace_name + "/" + pool.name;
    mirror.read_integer("percent", {0, 100}, read.percent);
  });
  if (into.size() > limits::kMirrorsPerFiltersMax)
    filters.fault("mirror", "out_of_range",
                  "can be no more than " + std::to_string(limits::kMirrorsPerFiltersMax));
  return into;
}

// What can't be reached, or would be undone by the other.
void check_together(Fields& filters, const contract::Filters& into) {
  if (into.redirect && into.direct_response)
    filters.fault("direct_response", "invalid_value", "a redirect answers every request already");
  if (answers_all(into) && into.rewrite)
    filters.fault("rewrite", "invalid_value", "nothing is forwarded: another filter answers every request");
  if (answers_all(into) && !into.mirror.empty())
    filters.fault("mirror", "invalid_value", "nothing is forwarded: another filter answers every request");
  if (answers_all(into) && into.buffer_request)
    filters.fault("buffer_request", "invalid_value",
                  "nothing is forwarded: another filter answers every request");
  if (answers_all(into) && into.request_headers)
    filters.fault("request_headers", "invalid_value",
                  "nothing is forwarded: another filter answers every request");
}

}  // namespace

void read_blocks(Fields& filters, contract::Filters& into) {
  filters.object("ip_access", [&](Fields& filter) { into.ip_access = read_ip_access(filter); });
  filters.object("rate_limit", [&](Fields& filter) { into.rate_limit = read_rate_limit(filter); });
  filters.object("cors", [&](Fields& filter) { into.cors = read_cors(filter); });
  filters.object("request_headers", [&](Fields& filter) { into.request_headers = read_header_edit(filter); });
  filters.object("response_headers",
                 [&](Fields& filter) { into.response_headers = read_header_edit(filter); });
  filters.object("compression", [&](Fields& filter) { into.compression = read_compression(filter); });
}

contract::Filters read_filters(Fields& filters, const std::string& namespace_name, const Matches& matches) {
  contract::Filters into;
  read_blocks(filters, into);
  filters.object("redirect", [&](Fields& filter) { into.redirect = read_redirect(filter, matches); });
  filters.object("direct_response",
                 [&](Fields& filter) { into.direct_response = read_direct_response(filter); });
  filters.object("rewrite", [&](Fields& filter) { into.rewrite = read_rewrite(filter, matches); });
  filters.object("buffer_request",
                 [&](Fields& filter) { into.buffer_request = read_buffer_request(filter); });
  into.mirror = read_mirrors(filters, namespace_name);
  check_together(filters, into);
  return into;
}

}  // namespace headgate::compile
