// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/response_reader.hpp"

#include "dataplane/core/limits.hpp"
#include "dataplane/shard/own_response.hpp"

namespace headgate::shard::http2 {

using l7::BodyFraming;
using l7::HeaderId;

void ResponseReader::start(const http1::HeadLimits& limits, l7::ResponseHead& response, Arena& arena) {
  *this = {};
  limits_ = limits;
  response_ = &response;
  arena_ = &arena;
  response.clear();
  response.version = l7::Version::kHttp2;
}

void ResponseReader::take(std::string_view name, std::string_view value) {
  section_bytes_ += name.size() + value.size() + kFieldOverheadBytes;
  if (fault_ == Fault::kNone) fault_ = take_one(name, value);
}

Fault ResponseReader::take_one(std::string_view name, std::string_view value) {
  if (section_bytes_ > limits_.header_bytes_max) return Fault::kHeadTooLarge;
  if (name.starts_with(':')) {
    if (regular_seen_ || status_seen_ || name != ":status" || value.size() != 3) return Fault::kStatusLine;
    status_seen_ = true;
    const auto status = parse_content_length(value);
    if (!status || *status < 100 || *status > 599 || *status == 101) return Fault::kStatusLine;
    response_->status = static_cast<uint16_t>(*status);
    return Fault::kNone;
  }
  regular_seen_ = true;
  const HeaderId id = l7::header_id(name);
  if (const Fault fault = check_field(name, value, id); fault != Fault::kNone) return fault;
  if (id == HeaderId::kContentLength) {
    const auto length = parse_content_length(value);
    if (!length) return Fault::kContentLength;
    if (content_length_ && *content_length_ != *length) return Fault::kSeveralLengths;
    content_length_ = length;
    return Fault::kNone;
  }
  if (id == HeaderId::kTe || id == HeaderId::kHttp2Settings) return Fault::kNone;
  if (response_->headers.size() == limits_.header_count_max) return Fault::kTooManyHeaders;
  const std::string_view kept_name = id == HeaderId::kOther ? arena_->copy(name) : l7::header_name(id);
  response_->headers.add({kept_name, arena_->copy(value), id});
  return Fault::kNone;
}

Fault ResponseReader::finish(l7::Method method, bool without_body) {
  if (fault_ != Fault::kNone) return fault_;
  if (!status_seen_) return Fault::kStatusLine;
  const uint16_t status = response_->status;
  response_->reason = reason_phrase(status);                    // for HTTP/1.1; HTTP/2 has none
  if (status < 200 && without_body) return Fault::kStatusLine;  // section 8.1
  const bool never_has_body = method == l7::Method::kHead || status < 200 || status == 204 || status == 304;
  response_->has_content_length = content_length_.has_value() && status >= 200 && status != 204;
  response_->content_length = content_length_.value_or(0);
  if (never_has_body)
    response_->framing = BodyFraming::kNone;
  else if (content_length_)
    response_->framing = BodyFraming::kLength;
  else
    response_->framing = without_body ? BodyFraming::kLength : BodyFraming::kChunked;
  if (without_body && !never_has_body && content_length_.value_or(0) != 0) return Fault::kContentLength;
  return Fault::kNone;
}

void TrailerReader::start(l7::Headers& trailers, Arena& arena) {
  *this = {};
  trailers_ = &trailers;
  arena_ = &arena;
  trailers.clear();
}

void TrailerReader::take(std::string_view name, std::string_view value) {
  section_bytes_ += name.size() + value.size() + kFieldOverheadBytes;
  if (fault_ != Fault::kNone) return;
  const HeaderId id = l7::header_id(name);
  fault_ = check_field(name, value, id);  // a pseudo header is no token (section 8.1)
  if (fault_ == Fault::kNone && section_bytes_ > limits::kTrailerBytesMax) fault_ = Fault::kTrailer;
  if (fault_ == Fault::kNone && id == HeaderId::kOther)
    trailers_->add({arena_->copy(name), arena_->copy(value), id});
}

}  // namespace headgate::shard::http2
