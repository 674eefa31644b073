// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/client_hello.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/authority.hpp"

namespace headgate::shard {
namespace {

using Status = ParsedClientHello::Status;

constexpr ParsedClientHello kPartial{};
constexpr ParsedClientHello malformed(HelloFault fault) { return {Status::kMalformed, fault, {}}; }

constexpr std::size_t kRecordHeadBytes = 5;  // RFC 8446 section 5.1
constexpr std::size_t kMessageHeadBytes = 4;
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kVersionMajor = 3;
constexpr uint8_t kClientHelloMessage = 1;
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kSessionIdBytesMax = 32;
constexpr std::size_t kServerNameExtension = 0;
constexpr std::size_t kAlpnExtension = 16;
constexpr std::size_t kHostNameType = 0;

std::size_t number_at(std::string_view bytes, std::size_t at, std::size_t width) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// Takes from the front. What is not there makes all that follows fail as well.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  bool failed() const { return failed_; }
  bool whole() const { return rest_.empty() && !failed_; }
  std::string_view take(std::size_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::size_t number(std::size_t width) {
    const auto bytes = take(width);
    return failed_ ? 0 : number_at(bytes, 0, width);
  }
  // Behind its own length.
  std::string_view vector(std::size_t width) { return take(number(width)); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

// --- records

struct Joined {
  ParsedClientHello::Status status = Status::kPartial;
  HelloFault fault = HelloFault::kNone;
  std::size_t size_bytes = 0;  // of the message, its head included, from the first byte on
};

// What is known of the message from the beginning of it; `declared_bytes` is what its records hold so far,
// whether that has come or not.
Joined look_at_message(std::string_view begun, std::size_t declared_bytes) {
  if (!begun.empty() && number_at(begun, 0, 1) != kClientHelloMessage)
    return {Status::kMalformed, HelloFault::kNotHello};
  if (begun.size() < kMessageHeadBytes) return {};
  const std::size_t size_bytes = kMessageHeadBytes + number_at(begun, 1, 3);
  if (size_bytes > limits::kClientHelloBytesMax) return {Status::kMalformed, HelloFault::kTooLong};
  if (declared_bytes > size_bytes) return {Status::kMalformed, HelloFault::kBadRecord};
  return {begun.size() == size_bytes ? Status::kWhole : Status::kPartial, HelloFault::kNone, size_bytes};
}

Joined join_records(std::span<char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  std::size_t joined_bytes = 0;
  for (std::size_t at = 0;;) {
    if (at < text.size() && number_at(text, at, 1) != kHandshakeRecord)
      return {Status::kMalformed, at == 0 ? HelloFault::kNotTls : HelloFault::kBadRecord};
    if (at + 1 < text.size() && number_at(text, at + 1, 1) != kVersionMajor)
      return {Status::kMalformed, at == 0 ? HelloFault::kNotTls : HelloFault::kBadRecord};
    if (text.size() - at < kRecordHeadBytes) return {};
    const std::size_t length = number_at(text, at + 3, 2);
    if (length == 0 || length > limits::kTlsRecordBytes) return {Status::kMalformed, HelloFault::kBadRecord};
    at += kRecordHeadBytes;
    const std::size_t here_bytes = std::min(length, text.size() - at);
    std::memmove(bytes.data() + joined_bytes, bytes.data() + at, here_bytes);
    const auto message = look_at_message(text.substr(0, joined_bytes + here_bytes), joined_bytes + length);
    if (message.status != Status::kPartial || here_bytes < length) return message;
    joined_bytes += length;
    at += length;
  }
}

// --- the message

// RFC 6066 section 3: a list, of which the types are to differ; of the one that is defined, just one.
HelloFault read_server_name(std::string_view extension, std::span<char> bytes, ClientHello& hello) {
  Cursor outer(extension);
  Cursor list(outer.vector(2));
  if (!outer.whole()) return HelloFault::kBadForm;
  const std::size_t type = list.number(1);
  const auto name = list.vector(2);
  if (list.failed()) return HelloFault::kBadForm;
  if (!list.empty() || type != kHostNameType) return HelloFault::kBadName;
  if (name.empty()) return HelloFault::kBadName;
  char* const begin = bytes.data() + (name.data() - bytes.data());
  std::transform(begin, begin + name.size(), begin, ascii::to_lower);
  if (name.starts_with('[') || !l7::is_normal_host(name)) return HelloFault::kBadName;
  hello.server_name = name;
  return HelloFault::kNone;
}

HelloFault read_alpn(std::string_view extension, ClientHello& hello) {
  Cursor outer(extension);
  hello.alpn = outer.vector(2);
  if (!outer.whole() || hello.alpn.empty()) return HelloFault::kBadForm;
  for (Cursor list(hello.alpn); !list.empty();)
    if (list.vector(1).empty()) return HelloFault::kBadForm;
  return HelloFault::kNone;
}

HelloFault read_extensions(Cursor extensions, std::span<char> bytes, ClientHello& hello) {
  bool met_server_name = false;
  bool met_alpn = false;
  while (!extensions.empty()) {
    const std::size_t type = extensions.number(2);
    const auto extension = extensions.vector(2);
    if (extensions.failed()) return HelloFault::kBadForm;
    auto fault = HelloFault::kNone;
    // Of two of a kind (RFC 8446 section 4.2) a backend might take the other one.
    if (type == kServerNameExtension)
      fault = std::exchange(met_server_name, true) ? HelloFault::kBadForm
                                                   : read_server_name(extension, bytes, hello);
    else if (type == kAlpnExtension)
      fault = std::exchange(met_alpn, true) ? HelloFault::kBadForm : read_alpn(extension, hello);
    if (fault != HelloFault::kNone) return fault;
  }
  return HelloFault::kNone;
}

HelloFault read_hello(std::span<char> message, ClientHello& hello) {
  Cursor body({message.data() + kMessageHeadBytes, message.size() - kMessageHeadBytes});
  const bool known_version = body.number(1) == kVersionMajor;
  body.take(1 + kRandomBytes);
  const auto session_id = body.vector(1);
  const auto ciphers = body.vector(2);
  const auto compressions = body.vector(1);
  if (body.failed() || !known_version || session_id.size() > kSessionIdBytesMax || ciphers.empty() ||
      ciphers.size() % 2 != 0 || compressions.empty())
    return HelloFault::kBadForm;
  if (body.empty()) return HelloFault::kNone;  // before TLS 1.2 there may be no extensions at all
  const auto extensions = body.vector(2);
  if (!body.whole()) return HelloFault::kBadForm;
  return read_extensions(Cursor(extensions), message, hello);
}

}  // namespace

ParsedClientHello parse_client_hello(std::span<char> bytes) {
  const bool is_all = bytes.size() >= limits::kClientHelloBytesMax;
  const auto joined = join_records(bytes.first(std::min(bytes.size(), limits::kClientHelloBytesMax)));
  if (joined.status == Status::kMalformed) return malformed(joined.fault);
  if (joined.status == Status::kPartial) return is_all ? malformed(HelloFault::kTooLong) : kPartial;
  ParsedClientHello parsed{Status::kWhole, HelloFault::kNone, {}};
  const auto fault = read_hello(bytes.first(joined.size_bytes), parsed.hello);
  return fault == HelloFault::kNone ? parsed : malformed(fault);
}

std::string_view name_of(HelloFault fault) {
  static constexpr std::array<std::string_view, kHelloFaults> kNames{
      "none", "not_tls", "too_long", "bad_record", "not_client_hello", "bad_form", "bad_server_name"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::string_view alpn_text(std::string_view alpn, Arena& arena) {
  char* const begin = arena.allocate(limits::kAlpnTextBytesMax);
  char* end = begin;
  for (Cursor list(alpn); !list.empty();) {
    const auto name = list.vector(1);
    const std::size_t comma = end == begin ? 0 : 1;
    const auto room = limits::kAlpnTextBytesMax - static_cast<std::size_t>(end - begin);
    if (comma + name.size() > room) break;
    if (comma != 0) *end++ = ',';
    end = std::copy(name.begin(), name.end(), end);
  }
  arena.shrink_last(end);
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace headgate::shard
