// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/syntax.hpp"

namespace headgate::shard::http1 {
namespace {

using Table = std::array<uint8_t, 256>;

constexpr Table make_token_lower() {
  Table table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = static_cast<uint8_t>(c);
  for (int c = 'a'; c <= 'z'; ++c) table[c] = static_cast<uint8_t>(c);
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = static_cast<uint8_t>(c + 32);
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[index_of(c)] = index_of(c);
  return table;
}

constexpr Table make_field_value() {
  Table table{};
  for (int c = 0x20; c <= 0xff; ++c) table[c] = c != 0x7f;
  table['\t'] = 1;
  return table;
}

constexpr Table make_target() {
  Table table{};
  for (int c = 0x21; c <= 0x7e; ++c) table[c] = c != '#';
  return table;
}

constexpr std::array<std::string_view, kFaults> kFaultNames{
    "none",
    "bare_line_feed",
    "bare_carriage_return",
    "request_line",
    "version",
    "method",
    "target",
    "status_line",
    "header_name",
    "header_value",
    "obs_fold",
    "host",
    "no_host",
    "several_hosts",
    "content_length",
    "several_lengths",
    "transfer_encoding",
    "connection",
    "length_and_encoding",
    "encoding_on_http10",
    "expectation",
    "target_too_long",
    "head_too_large",
    "too_many_headers",
    "chunk_size",
    "chunk_extension",
    "chunk_end",
    "trailer",
    "pseudo_header",
    "body_length",
};

}  // namespace

constexpr Table kTokenLower = make_token_lower();
constexpr Table kFieldValue = make_field_value();
constexpr Table kTarget = make_target();

std::string_view name_of(Fault fault) { return kFaultNames[static_cast<std::size_t>(fault)]; }

uint16_t status_of(Fault fault) {
  switch (fault) {
    case Fault::kVersion:
      return 505;
    case Fault::kExpectation:
      return 417;
    case Fault::kTargetTooLong:
      return 414;
    case Fault::kHeadTooLarge:
    case Fault::kTooManyHeaders:
      return 431;
    default:
      return 400;
  }
}

}  // namespace headgate::shard::http1
