// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/head_parser.hpp"

#include "dataplane/l7/authority.hpp"
#include "dataplane/shard/http1/field_parser.hpp"

namespace headgate::shard::http1 {
namespace {

using l7::BodyFraming;
using l7::HeaderId;
using l7::Method;
using l7::TargetForm;
using l7::Version;

Fault set_authority(std::string_view text, Arena& arena, l7::RequestHead& request) {
  const auto authority = l7::parse_authority(text, arena);
  if (!authority) return Fault::kHost;
  request.host = authority->host;
  request.port = authority->port;
  return Fault::kNone;
}

void set_path(std::string_view path_and_query, l7::RequestHead& request) {
  const auto mark = path_and_query.find('?');
  request.path = path_and_query.substr(0, mark);
  if (mark != std::string_view::npos) request.query = path_and_query.substr(mark + 1);
}

// RFC 9112 section 3.2. Of the absolute form the authority comes back: it replaces Host (section 3.2.2).
Fault parse_target(std::string_view target, l7::RequestHead& request, std::string_view& authority) {
  for (const char c : target)
    if (!kTarget[index_of(c)]) return Fault::kTarget;
  if (request.method == Method::kConnect) {
    request.form = TargetForm::kAuthority;
    authority = target;
    return target.empty() ? Fault::kTarget : Fault::kNone;
  }
  if (target.starts_with('/')) {
    set_path(target, request);
    return Fault::kNone;
  }
  if (target == "*" && request.method == Method::kOptions) {
    request.form = TargetForm::kAsterisk;
    request.path = target;
    return Fault::kNone;
  }
  const auto colon = target.find("://");
  if (colon == std::string_view::npos) return Fault::kTarget;
  const auto scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) return Fault::kTarget;
  target.remove_prefix(colon + 3);
  authority = target.substr(0, target.find_first_of("/?"));
  if (authority.empty()) return Fault::kTarget;
  request.form = TargetForm::kAbsolute;
  set_path(target.substr(authority.size()), request);
  if (!request.path.empty()) return Fault::kNone;
  // Section 3.2.4: the last proxy makes "*" of an OPTIONS without a path.
  const bool asterisk = request.method == Method::kOptions && !request.query;
  request.path = asterisk ? "*" : "/";
  if (asterisk) request.form = TargetForm::kAsterisk;
  return Fault::kNone;
}

Fault parse_version(std::string_view text, Version& version) {
  if (text == "HTTP/1.1") {
    version = Version::kHttp11;
    return Fault::kNone;
  }
  if (text == "HTTP/1.0") {
    version = Version::kHttp10;
    return Fault::kNone;
  }
  const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.' &&
                           text[5] >= '0' && text[5] <= '9' && text[7] >= '0' && text[7] <= '9';
  return well_formed ? Fault::kVersion : Fault::kRequestLine;
}

Fault parse_request_line(std::string_view line, const HeadLimits& limits, l7::RequestHead& request,
                         std::string_view& authority) {
  const auto first_space = line.find(' ');
  const auto last_space = line.rfind(' ');
  if (first_space == std::string_view::npos || first_space == last_space) return Fault::kRequestLine;
  request.method_text = line.substr(0, first_space);
  if (!is_token(request.method_text)) return Fault::kMethod;
  request.method = l7::parse_method(request.method_text);
  const auto target = line.substr(first_space + 1, last_space - first_space - 1);
  if (target.size() > limits.target_bytes_max) return Fault::kTargetTooLong;
  if (const Fault fault = parse_version(line.substr(last_space + 1), request.version); fault != Fault::kNone)
    return fault;
  return parse_target(target, request, authority);
}

// Checks Host even where an absolute target replaces it: two of them are an attack either way.
Fault take_host(std::string_view authority, Arena& arena, l7::RequestHead& request) {
  const l7::Header* host = nullptr;
  for (const auto& field : request.headers) {
    if (field.id != HeaderId::kHost) continue;
    if (host) return Fault::kSeveralHosts;
    host = &field;
  }
  if (!host && request.version == Version::kHttp11) return Fault::kNoHost;
  if (host) {
    if (const Fault fault = set_authority(host->value, arena, request); fault != Fault::kNone) return fault;
    request.headers.remove(HeaderId::kHost);
  }
  return authority.empty() ? Fault::kNone : set_authority(authority, arena, request);
}

Fault take_expectation(l7::RequestHead& request) {
  const auto* expect = request.headers.find(HeaderId::kExpect);
  if (!expect) return Fault::kNone;
  const bool known = equals_ignoring_case(expect->value, "100-continue");
  request.headers.remove(HeaderId::kExpect);
  if (request.version == Version::kHttp10) return Fault::kNone;  // RFC 9110 section 10.1.1: ignored
  request.expect_continue = known && request.framing != BodyFraming::kNone;
  return known ? Fault::kNone : Fault::kExpectation;
}

}  // namespace

Fault parse_request(std::span<char> head, const HeadLimits& limits, Arena& arena, l7::RequestHead& request) {
  request.clear();
  const std::string_view line = take_line(head);
  std::string_view authority;
  if (const Fault fault = parse_request_line(line, limits, request, authority); fault != Fault::kNone)
    return fault;
  if (const Fault fault = parse_fields(head, limits, line.size(), request.headers); fault != Fault::kNone)
    return fault;
  Framing framing;
  if (const Fault fault = take_framing(request.headers, framing); fault != Fault::kNone) return fault;
  if (framing.chunked && request.version == Version::kHttp10) return Fault::kEncodingOnHttp10;
  if (const Fault fault = take_host(authority, arena, request); fault != Fault::kNone) return fault;

  request.framing = framing.chunked      ? BodyFraming::kChunked
                    : framing.has_length ? BodyFraming::kLength
                                         : BodyFraming::kNone;
  request.content_length = framing.length;
  request.keep_alive = !framing.close && (request.version == Version::kHttp11 || framing.keep_alive);
  request.te_trailers = framing.te_trailers;
  request.upgrade_websocket = framing.upgrade && framing.upgrade_websocket &&
                              request.method == Method::kGet && request.version == Version::kHttp11 &&
                              request.framing == BodyFraming::kNone;
  return take_expectation(request);
}

namespace {

Fault parse_status_line(std::string_view line, l7::ResponseHead& response) {
  if (line.size() < 12 || line[8] != ' ') return Fault::kStatusLine;
  if (parse_version(line.substr(0, 8), response.version) != Fault::kNone) return Fault::kStatusLine;
  uint16_t status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return Fault::kStatusLine;
    status = static_cast<uint16_t>(status * 10 + (c - '0'));
  }
  if (status < 100 || status > 599) return Fault::kStatusLine;
  response.status = status;
  if (line.size() == 12) return Fault::kNone;  // without the space too: so do some servers
  if (line[12] != ' ') return Fault::kStatusLine;
  response.reason = line.substr(13);
  for (const char c : response.reason)
    if (!kFieldValue[index_of(c)]) return Fault::kStatusLine;
  return Fault::kNone;
}

}  // namespace

Fault parse_response(std::span<char> head, const HeadLimits& limits, Method method,
                     l7::ResponseHead& response) {
  response.clear();
  const std::string_view line = take_line(head);
  if (const Fault fault = parse_status_line(line, response); fault != Fault::kNone) return fault;
  if (const Fault fault = parse_fields(head, limits, line.size(), response.headers); fault != Fault::kNone)
    return fault;
  Framing framing;
  if (const Fault fault = take_framing(response.headers, framing); fault != Fault::kNone) return fault;
  if (framing.chunked && response.version == Version::kHttp10) return Fault::kEncodingOnHttp10;

  const bool without_body =
      method == Method::kHead || response.status < 200 || response.status == 204 || response.status == 304;
  response.framing = without_body         ? BodyFraming::kNone
                     : framing.chunked    ? BodyFraming::kChunked
                     : framing.has_length ? BodyFraming::kLength
                                          : BodyFraming::kUntilClose;
  // A 1xx or 204 has none (RFC 9110 section 8.6); of a HEAD's answer and a 304 it tells of the body not sent.
  response.has_content_length = framing.has_length && response.status >= 200 && response.status != 204;
  response.content_length = framing.length;
  response.keep_alive = !framing.close && response.framing != BodyFraming::kUntilClose &&
                        (response.version == Version::kHttp11 || framing.keep_alive);
  response.upgrade_websocket = framing.upgrade && framing.upgrade_websocket;
  return Fault::kNone;
}

Fault parse_trailers(std::span<char> section, const HeadLimits& limits, l7::Headers& trailers) {
  if (parse_fields(section, limits, 0, trailers) != Fault::kNone) return Fault::kTrailer;
  trailers.remove_if([](const l7::Header& field) { return field.id != HeaderId::kOther; });
  return Fault::kNone;
}

}  // namespace headgate::shard::http1
