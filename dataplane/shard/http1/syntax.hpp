// SPDX-License-Identifier: Apache-2.0
// The character classes of RFC 9110 and 9112 as tables, and why a message was refused. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/l7/field_text.hpp"

namespace headgate::shard::http1 {

// Why a message, of HTTP/2 too, is malformed or over a limit; each is a counter's label. What a client gets
// for it is status_of().
enum class Fault : uint8_t {
  kNone,
  kBareLineFeed,
  kBareCarriageReturn,
  kRequestLine,
  kVersion,  // HTTP/2.0 and the like
  kMethod,
  kTarget,
  kStatusLine,
  kHeaderName,
  kHeaderValue,
  kObsFold,
  kHost,
  kNoHost,
  kSeveralHosts,
  kContentLength,
  kSeveralLengths,  // that differ
  kTransferEncoding,
  kConnection,
  kLengthAndEncoding,
  kEncodingOnHttp10,
  kExpectation,
  kTargetTooLong,
  kHeadTooLarge,
  kTooManyHeaders,
  kChunkSize,
  kChunkExtension,
  kChunkEnd,
  kTrailer,
  kPseudoHeader,  // of HTTP/2: missing, twice, unknown, empty, or behind a field
  kBodyLength,    // of HTTP/2: not what Content-Length said
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kBodyLength) + 1;

uint16_t status_of(Fault fault);        // 400, 414, 417, 431 or 505
std::string_view name_of(Fault fault);  // "bare_line_feed"

// tchar (RFC 9110 section 5.6.2) to its lower case; 0 where it is none.
extern const std::array<uint8_t, 256> kTokenLower;
// 1: may stand in a field value: VCHAR, obs-text, space, tab.
extern const std::array<uint8_t, 256> kFieldValue;
// 1: may stand in a request target: visible ASCII but "#".
extern const std::array<uint8_t, 256> kTarget;

constexpr uint8_t index_of(char c) { return static_cast<uint8_t>(c); }

inline bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (kTokenLower[index_of(c)] == 0) return false;
  return true;
}

using l7::equals_ignoring_case;
using l7::for_each_element;
using l7::trim;

}  // namespace headgate::shard::http1
