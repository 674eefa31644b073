// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/request_reader.hpp"

#include <algorithm>

#include "dataplane/l7/authority.hpp"

namespace headgate::shard::http2 {
namespace {

using l7::BodyFraming;
using l7::HeaderId;
using l7::Method;
using l7::TargetForm;

bool same_authority(const l7::Authority& a, const l7::Authority& b) {
  return a.host == b.host && a.port == b.port;
}

}  // namespace

void RequestReader::start(const http1::HeadLimits& limits, l7::RequestHead& request, Arena& arena) {
  *this = {};
  limits_ = limits;
  request_ = &request;
  arena_ = &arena;
  request.clear();
  request.version = l7::Version::kHttp2;
}

void RequestReader::take(std::string_view name, std::string_view value) {
  section_bytes_ += name.size() + value.size() + kFieldOverheadBytes;
  if (fault_ != Fault::kNone) return;
  // Crumbs of a cookie count as fields of their own: a thousand of them cost as much as a thousand fields.
  if (section_bytes_ > limits_.header_bytes_max)
    fault_ = Fault::kHeadTooLarge;
  else if (name.starts_with(':'))
    fault_ = take_pseudo(name, value);
  else
    fault_ = take_field(name, value);
}

Fault RequestReader::set_pseudo(std::string_view& place, std::string_view value) {
  if (!place.empty() || value.empty()) return Fault::kPseudoHeader;  // twice, or nothing
  place = arena_->copy(value);
  return check_value(value);
}

Fault RequestReader::take_pseudo(std::string_view name, std::string_view value) {
  if (regular_seen_) return Fault::kPseudoHeader;
  if (name == ":method") return set_pseudo(method_, value);
  if (name == ":scheme") return set_pseudo(scheme_, value);
  if (name == ":authority") return set_pseudo(authority_, value);
  if (name == ":protocol") return set_pseudo(protocol_, value);
  if (name == ":path") {
    if (value.size() > limits_.target_bytes_max) return Fault::kTargetTooLong;
    return set_pseudo(path_, value);
  }
  return Fault::kPseudoHeader;
}

Fault RequestReader::take_field(std::string_view name, std::string_view value) {
  regular_seen_ = true;
  const HeaderId id = l7::header_id(name);
  if (const Fault fault = check_field(name, value, id); fault != Fault::kNone) return fault;
  if (++field_count_ > limits_.header_count_max) return Fault::kTooManyHeaders;
  switch (id) {
    case HeaderId::kHost:
      if (host_seen_) return Fault::kSeveralHosts;
      host_seen_ = true;
      host_ = arena_->copy(value);
      return Fault::kNone;
    case HeaderId::kContentLength: {
      const auto length = parse_content_length(value);
      if (!length) return Fault::kContentLength;
      if (content_length_ && *content_length_ != *length) return Fault::kSeveralLengths;
      content_length_ = length;
      return Fault::kNone;
    }
    case HeaderId::kTe:
      request_->te_trailers = true;
      return Fault::kNone;
    case HeaderId::kExpect:
      request_->expect_continue = http1::equals_ignoring_case(value, "100-continue");
      return request_->expect_continue ? Fault::kNone : Fault::kExpectation;
    case HeaderId::kHttp2Settings:  // an HTTP/1.1 connection's
      return Fault::kNone;
    case HeaderId::kCookie:
      ++cookies_;
      break;
    default:
      break;
  }
  const std::string_view kept_name = id == HeaderId::kOther ? arena_->copy(name) : l7::header_name(id);
  request_->headers.add({kept_name, arena_->copy(value), id});
  return Fault::kNone;
}

Fault RequestReader::finish(bool without_body) {
  if (fault_ != Fault::kNone) return fault_;
  if (!http1::is_token(method_)) return method_.empty() ? Fault::kPseudoHeader : Fault::kMethod;
  request_->method_text = method_;
  request_->method = l7::parse_method(method_);
  if (const Fault fault = set_target(); fault != Fault::kNone) return fault;
  if (const Fault fault = set_authority(); fault != Fault::kNone) return fault;
  if (const Fault fault = set_length(without_body); fault != Fault::kNone) return fault;
  if (request_->upgrade_websocket) set_websocket();
  if (cookies_ > 1) join_cookies();
  return Fault::kNone;
}

Fault RequestReader::set_target() {
  if (request_->method == Method::kConnect) return set_connect();
  if (!protocol_.empty()) return Fault::kPseudoHeader;  // RFC 8441 section 4: of CONNECT alone
  return set_path();
}

Fault RequestReader::set_path() {
  if (scheme_.empty() || path_.empty()) return Fault::kPseudoHeader;
  if (!http1::equals_ignoring_case(scheme_, "http") && !http1::equals_ignoring_case(scheme_, "https"))
    return Fault::kPseudoHeader;
  for (const char c : path_)
    if (!http1::kTarget[http1::index_of(c)]) return Fault::kTarget;
  if (path_ == "*" && request_->method == Method::kOptions) {
    request_->form = TargetForm::kAsterisk;
    request_->path = path_;
    return Fault::kNone;
  }
  if (!path_.starts_with('/')) return Fault::kTarget;
  const auto mark = path_.find('?');
  request_->path = path_.substr(0, mark);
  if (mark != std::string_view::npos) request_->query = path_.substr(mark + 1);
  return Fault::kNone;
}

// Section 8.5; with a protocol RFC 8441 section 4, by which it has a target like any other request. Of the
// protocols only WebSocket goes on, as what it is over HTTP/1.1; the others stay a CONNECT that is refused.
Fault RequestReader::set_connect() {
  if (authority_.empty()) return Fault::kPseudoHeader;
  if (protocol_.empty()) {
    if (!scheme_.empty() || !path_.empty()) return Fault::kPseudoHeader;
    request_->form = TargetForm::kAuthority;
    return Fault::kNone;
  }
  request_->method = Method::kGet;
  if (const Fault fault = set_path(); fault != Fault::kNone) return fault;
  if (http1::equals_ignoring_case(protocol_, "websocket")) {
    request_->method_text = "GET";
    request_->upgrade_websocket = true;
  } else {
    request_->method = Method::kConnect;
  }
  return Fault::kNone;
}

// RFC 8441 section 5: its stream is no body, and the handshake's proof is not taken from it.
void RequestReader::set_websocket() {
  request_->framing = BodyFraming::kNone;
  request_->expect_continue = request_->te_trailers = false;
  request_->headers.remove("sec-websocket-key");
  request_->headers.remove("sec-websocket-accept");
}

// Section 8.3.1: both may stand, and must then say the same.
Fault RequestReader::set_authority() {
  if (authority_.empty() && !host_seen_) return Fault::kNoHost;
  const auto host = l7::parse_authority(host_seen_ ? host_ : authority_, *arena_);
  if (!host || host->host.empty()) return Fault::kHost;
  if (host_seen_ && !authority_.empty()) {
    const auto authority = l7::parse_authority(authority_, *arena_);
    if (!authority) return Fault::kHost;
    if (!same_authority(*authority, *host)) return Fault::kSeveralHosts;
  }
  request_->host = host->host;
  request_->port = host->port;
  return Fault::kNone;
}

Fault RequestReader::set_length(bool without_body) {
  // Of a tunnel it would tell nothing (RFC 9110 section 9.3.6); who says so speaks of something else.
  if (request_->upgrade_websocket && content_length_.value_or(0) != 0) return Fault::kContentLength;
  if (without_body && content_length_.value_or(0) != 0) return Fault::kContentLength;  // section 8.1.1
  if (content_length_) {
    request_->framing = BodyFraming::kLength;
    request_->content_length = *content_length_;
  } else {
    request_->framing = without_body ? BodyFraming::kNone : BodyFraming::kChunked;
  }
  if (without_body) request_->expect_continue = false;
  return Fault::kNone;
}

// Section 8.2.3: crumbs are one field again before anybody else reads them. One of nothing is none: joined,
// it would leave white space at the value's end.
void RequestReader::join_cookies() {
  constexpr std::string_view kBetween = "; ";
  std::size_t bytes_max = 0;
  for (const auto& field : request_->headers)
    if (field.id == HeaderId::kCookie) bytes_max += field.value.size() + kBetween.size();
  char* const begin = arena_->allocate(bytes_max);
  char* at = begin;
  for (const auto& field : request_->headers) {
    if (field.id != HeaderId::kCookie || field.value.empty()) continue;
    if (at != begin) at = std::copy(kBetween.begin(), kBetween.end(), at);
    at = std::copy(field.value.begin(), field.value.end(), at);
  }
  arena_->shrink_last(at);
  request_->headers.remove(HeaderId::kCookie);
  request_->headers.add(HeaderId::kCookie, {begin, static_cast<std::size_t>(at - begin)});
}

}  // namespace headgate::shard::http2
