// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/log_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <type_traits>
#include <utility>

#include "dataplane/contract/enum_names.hpp"
#include "dataplane/core/json_string.hpp"

namespace headgate::shard {
namespace {

using contract::LogField;
using Record = AccessRecord;

// `,"path":"`
template <LogField field>
constexpr auto kMember = [] {
  constexpr auto kName = contract::name_of(field);
  std::array<char, kName.size() + 5> member{};
  auto* at = member.data();
  for (const std::string_view part : {std::string_view(",\""), kName, std::string_view("\":\"")})
    at = std::copy(part.begin(), part.end(), at);
  return member;
}();

// `member` with its punctuation, as all of these.
void put(std::string& line, std::string_view member, std::string_view text) {
  line += member;
  append_json_text(line, text);
  line += '"';
}

void put(std::string& line, std::string_view member, uint64_t number) {
  line += member;
  std::array<char, 20> digits;
  line.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void put(std::string& line, std::string_view member, std::same_as<bool> auto truth) {
  line += member;
  line += truth ? "true" : "false";
}

void put(std::string& line, std::string_view member, Duration duration) {
  put(line, member,
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count()));
}

template <LogField field>
void put_member(std::string& line, const auto& value) {
  constexpr bool kIsText = std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string_view>;
  put(line, {kMember<field>.data(), kMember<field>.size() - (kIsText ? 0 : 1)}, value);
}

using Writer = void (*)(const Record& record, std::string& line);

template <LogField field, auto member>
void write(const Record& record, std::string& line) {
  const auto& value = record.*member;
  if constexpr (requires { value.has_value(); }) {
    if (value) put_member<field>(line, *value);
  } else {
    put_member<field>(line, value);
  }
}

// A text that is our own, in which there is nothing to escape.
template <LogField field, auto member>
void write_own(const Record& record, std::string& line) {
  line.append(kMember<field>.data(), kMember<field>.size());
  line += record.*member;
  line += '"';
}

// Nothing where it is as it was made: empty, false, 0.
template <LogField field, auto member>
void write_some(const Record& record, std::string& line) {
  const auto& value = record.*member;
  if (value != std::remove_cvref_t<decltype(value)>{}) put_member<field>(line, value);
}

// Of which lines a field is: those of requests, also where nothing is chosen, or not; those of TLS that
// passes.
enum Lines : uint8_t {
  kOfRequest = 1,
  kIfChosen = 2,
  kOfPassthrough = 4,
  kOfBoth = kOfRequest | kOfPassthrough
};

struct Row {
  LogField field;
  uint8_t lines;
  Writer write;
};

template <LogField field, auto member>
constexpr Row always(uint8_t lines) {
  return {field, lines, write<field, member>};
}
template <LogField field, auto member>
constexpr Row own(uint8_t lines) {
  return {field, lines, write_own<field, member>};
}
template <LogField field, auto member>
constexpr Row if_any(uint8_t lines) {
  return {field, lines, write_some<field, member>};
}

constexpr std::array<Row, contract::EnumNames<LogField>::kNames.size()> kRows{
    own<LogField::kTime, &Record::time>(kOfBoth),
    always<LogField::kRequestId, &Record::request_id>(kOfRequest),
    if_any<LogField::kTraceId, &Record::trace_id>(kOfRequest),
    if_any<LogField::kSpanId, &Record::span_id>(kOfRequest),
    always<LogField::kClient, &Record::client>(kOfBoth),
    if_any<LogField::kTlsClient, &Record::tls_client>(kIfChosen),
    if_any<LogField::kTlsClientSha256, &Record::tls_client_sha256>(kIfChosen),
    always<LogField::kListener, &Record::listener>(kOfBoth),
    own<LogField::kProtocol, &Record::protocol>(kOfBoth),
    always<LogField::kServerName, &Record::server_name>(kOfPassthrough),
    always<LogField::kAlpn, &Record::alpn>(kOfPassthrough),
    always<LogField::kMethod, &Record::method>(kOfRequest),
    always<LogField::kHost, &Record::host>(kOfRequest),
    always<LogField::kPath, &Record::path>(kOfRequest),
    always<LogField::kQuery, &Record::query>(kOfRequest),
    always<LogField::kStatus, &Record::status>(kOfRequest),
    always<LogField::kRequestBodyBytes, &Record::request_body_bytes>(kOfRequest),
    always<LogField::kReceivedBytes, &Record::request_body_bytes>(kOfPassthrough),
    always<LogField::kSentBytes, &Record::sent_bytes>(kOfBoth),
    always<LogField::kDurationUs, &Record::duration>(kOfBoth),
    always<LogField::kUntilResponseUs, &Record::until_response>(kOfRequest),
    always<LogField::kNamespace, &Record::namespace_name>(kOfBoth),
    always<LogField::kRoute, &Record::route>(kOfBoth),
    always<LogField::kRule, &Record::rule>(kOfRequest),
    always<LogField::kPool, &Record::pool>(kIfChosen | kOfPassthrough),
    always<LogField::kBackend, &Record::backend>(kOfBoth),
    always<LogField::kTries, &Record::tries>(kOfBoth),
    if_any<LogField::kRetryRefused, &Record::retry_refused>(kOfRequest),
    if_any<LogField::kEjected, &Record::ejected>(kOfBoth),
    if_any<LogField::kQueuedUs, &Record::queued>(kOfBoth),
    own<LogField::kEnding, &Record::ending>(kOfBoth),
    if_any<LogField::kDetail, &Record::detail>(kOfBoth)};

constexpr uint32_t bit(LogField field) { return uint32_t{1} << static_cast<unsigned>(field); }

constexpr uint32_t fields_of(unsigned lines) {
  uint32_t fields = 0;
  for (const auto& row : kRows)
    if ((row.lines & lines) != 0) fields |= bit(row.field);
  return fields;
}

// A bit is a row's place.
static_assert([] {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].field) != i) return false;
  return kRows.size() <= 32;
}());

// A test of each bit, unrolled: calls through the table, of the bits that are set, took 7 % more
// instructions.
template <std::size_t... place>
void write_fields(const Record& record, uint32_t fields, std::index_sequence<place...>, std::string& line) {
  (((fields >> place & 1) != 0 ? kRows[place].write(record, line) : void()), ...);
}

// Names are tokens, which need no escaping.
void append_headers(std::string_view member, const l7::Headers* headers, std::string& line) {
  if (headers == nullptr || headers->empty()) return;
  line += member;
  char before = '{';
  for (const auto& field : *headers) {
    line += before;
    line += '"';
    line += field.name;
    put(line, "\":\"", field.value);
    before = ',';
  }
  line += '}';
}

}  // namespace

LogFormat::LogFormat(const contract::ShardSettings& settings)
    : of_request_(fields_of(kOfRequest)),
      of_passthrough_(fields_of(kOfPassthrough)),
      request_headers_(settings.access_log_request_headers),
      response_headers_(settings.access_log_response_headers) {
  if (settings.access_log_fields.empty()) return;
  uint32_t chosen = 0;
  for (const auto field : settings.access_log_fields) chosen |= bit(field);
  of_request_ = chosen & fields_of(kOfRequest | kIfChosen);
  of_passthrough_ = chosen & fields_of(kOfPassthrough);
}

void LogFormat::append_line(const AccessRecord& record, std::string& lines) const {
  const std::size_t begin = lines.size();
  write_fields(record, record.server_name ? of_passthrough_ : of_request_,
               std::make_index_sequence<kRows.size()>{}, lines);
  append_headers(R"(,"request_headers":)", record.request_headers, lines);
  append_headers(R"(,"response_headers":)", record.response_headers, lines);
  // Each has a comma before it: the first's is where the object begins.
  if (lines.size() == begin) lines += ',';
  lines[begin] = '{';
  lines += "}\n";
}

}  // namespace headgate::shard
