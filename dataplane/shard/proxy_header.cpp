// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "dataplane/core/limits.hpp"
#include "dataplane/l7/forwarded.hpp"
#include "dataplane/shard/proxy_header_form.hpp"

namespace headgate::shard {
namespace {

using namespace proxy_form;
using Status = ParsedProxyHeader::Status;

constexpr ParsedProxyHeader kMalformed{Status::kMalformed, {}};
constexpr ParsedProxyHeader kPartial{Status::kPartial, {}};
constexpr ParsedProxyHeader kBadTlv{Status::kBadTlv, {}};

// --- version 1: one line, section 2.1

constexpr std::size_t kLineBytesMax = 107;  // with its CR LF
constexpr std::size_t kPortDigitsMax = 5;

// Up to the next space, which goes too; the whole rest where there is none.
std::string_view take_word(std::string_view& rest) {
  const auto word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  return word;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() > kPortDigitsMax)
    return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return port;
}

ParsedProxyHeader parse_text(std::string_view bytes) {
  const auto end = bytes.substr(0, kLineBytesMax).find("\r\n");
  if (end == std::string_view::npos) return bytes.size() < kLineBytesMax ? kPartial : kMalformed;
  ParsedProxyHeader parsed{Status::kWhole, {}};
  auto& header = parsed.header;
  header.size_bytes = end + 2;
  auto rest = bytes.substr(kTextStart.size(), end - kTextStart.size());
  // Exactly four spaces: none may stand twice or at the end.
  const auto spaces = std::count(rest.begin(), rest.end(), ' ');
  const auto family = take_word(rest);
  if (family == "UNKNOWN") return parsed;  // what follows it is to be ignored
  if ((family != "TCP4" && family != "TCP6") || spaces != 4) return kMalformed;
  const auto source = IpAddress::parse(take_word(rest));
  const auto destination = IpAddress::parse(take_word(rest));
  const auto source_port = parse_port(take_word(rest));
  const auto destination_port = parse_port(rest);
  if (!source || !destination || !source_port || !destination_port) return kMalformed;
  const bool v6 = family == "TCP6";
  if (source->is_v6() != v6 || destination->is_v6() != v6) return kMalformed;
  header.local = false;
  header.source = {*source, *source_port};
  header.destination = {*destination, *destination_port};
  return parsed;
}

// --- version 2: binary, section 2.2

constexpr std::size_t kTypeBytes = 3;  // of a TLV: its type and length
constexpr std::size_t kTlsFixedBytes = 5;

uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<uint8_t>(bytes[at]); }
uint16_t be16_at(std::string_view bytes, std::size_t at) {
  return static_cast<uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

IpAddress address_at(std::string_view bytes, std::size_t at, bool v6) {
  if (!v6) return IpAddress::v4(uint32_t{be16_at(bytes, at)} << 16 | be16_at(bytes, at + 2));
  std::array<uint8_t, 16> raw;
  std::transform(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + 16), raw.begin(),
                 [](char c) { return static_cast<uint8_t>(c); });
  return IpAddress::v6(raw);
}

// Type, length and value, one behind the other, up to the last byte.
class Tlvs {
 public:
  struct Tlv {
    uint8_t type;
    std::size_t at;  // of the value, in all of the header
    std::string_view value;
  };
  Tlvs(std::string_view header, std::size_t at) : header_(header), at_(at) {}

  bool at_end() const { return at_ == header_.size(); }
  // Nothing where none is whole.
  std::optional<Tlv> next() {
    if (header_.size() - at_ < kTypeBytes) return std::nullopt;
    const std::size_t value = at_ + kTypeBytes;
    const std::size_t length = be16_at(header_, at_ + 1);
    if (header_.size() - value < length) return std::nullopt;
    const Tlv tlv{byte_at(header_, at_), value, header_.substr(value, length)};
    at_ = value + length;
    return tlv;
  }

 private:
  std::string_view header_;
  std::size_t at_;
};

// What is said twice is said by two.
bool take_text(std::string_view value, std::string_view& into) {
  if (!into.empty() || !is_proxy_text(value)) return false;
  into = value;
  return true;
}

// Section 2.2.5: a byte of flags, four of the verification's result, then TLVs of its own.
bool take_tls(std::string_view value, ProxyHeader& header) {
  if (value.size() < kTlsFixedBytes || header.tls) return false;
  const uint8_t client = byte_at(value, 0);
  ProxyTls tls;
  tls.certificate_here = client & kClientCertificateHere;
  tls.certificate_session = client & kClientCertificateSession;
  tls.verified = be16_at(value, 1) == 0 && be16_at(value, 3) == 0;
  Tlvs parts(value, kTlsFixedBytes);
  while (!parts.at_end()) {
    const auto part = parts.next();
    if (!part) return false;
    if (part->type == kTypeTlsVersion && !take_text(part->value, tls.version)) return false;
    if (part->type == kTypeTlsCommonName && !take_text(part->value, tls.common_name)) return false;
    if (part->type == kTypeTlsCipher && !take_text(part->value, tls.cipher)) return false;
  }
  if (client & kClientTls) header.tls = tls;
  return true;
}

// The TLVs from `at` on fill the header exactly, a checksum among them is right, and what is known of them is
// as it must be. Others are passed over.
bool take_tlvs(std::string_view bytes, std::size_t at, ProxyHeader& header) {
  Tlvs tlvs(bytes, at);
  while (!tlvs.at_end()) {
    const auto tlv = tlvs.next();
    if (!tlv) return false;
    const auto value = tlv->value;
    bool good = true;
    if (tlv->type == kTypeAlpn) good = take_text(value, header.alpn);
    if (tlv->type == kTypeAuthority) good = take_text(value, header.authority);
    if (tlv->type == kTypeTls) good = take_tls(value, header);
    // A stranger's may mean something else: no fault of its.
    if (tlv->type == kTypeHopListener && l7::is_request_id(value)) header.hop_listener = value;
    if (tlv->type == kTypeCrc32c)
      good = value.size() == 4 && (uint32_t{be16_at(value, 0)} << 16 | be16_at(value, 2)) ==
                                      proxy_crc32c(bytes, tlv->at, tlv->at + 4);
    if (!good) return false;
  }
  return true;
}

ParsedProxyHeader parse_binary(std::string_view bytes) {
  if (bytes.size() < kFixedBytes) return kPartial;
  const uint8_t version_command = byte_at(bytes, 12);
  const bool is_proxy = version_command == 0x21;
  if (!is_proxy && version_command != 0x20) return kMalformed;
  const std::size_t size_bytes = kFixedBytes + be16_at(bytes, 14);
  if (size_bytes > limits::kProxyHeaderBytesMax) return kMalformed;
  if (bytes.size() < size_bytes) return kPartial;
  ParsedProxyHeader parsed{Status::kWhole, {}};
  parsed.header.size_bytes = size_bytes;
  // LOCAL; or over something that is neither TCP nor UDP: what else it says is not about the client.
  const uint8_t family = byte_at(bytes, 13);
  if (!is_proxy || family == 0x00) return parsed;
  const bool v6 = family == 0x21;
  if (!v6 && family != 0x11) return kMalformed;  // a datagram, a Unix socket: no client of a TCP listener
  const std::size_t address_bytes = v6 ? 16 : 4;
  const std::size_t ports_at = kFixedBytes + 2 * address_bytes;
  const auto header = bytes.substr(0, size_bytes);
  if (size_bytes < ports_at + 4) return kMalformed;
  if (!take_tlvs(header, ports_at + 4, parsed.header)) return kBadTlv;
  parsed.header.local = false;
  parsed.header.source = {address_at(header, kFixedBytes, v6), be16_at(header, ports_at)};
  parsed.header.destination = {address_at(header, kFixedBytes + address_bytes, v6),
                               be16_at(header, ports_at + 2)};
  return parsed;
}

bool begins(std::string_view bytes, std::string_view start) {
  const auto length = std::min(bytes.size(), start.size());
  return bytes.substr(0, length) == start.substr(0, length);
}

}  // namespace

bool is_proxy_text(std::string_view text) {
  return !text.empty() && text.size() <= limits::kProxyTextBytesMax &&
         std::none_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<uint8_t>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

// Bit by bit: a header is short and comes once a connection.
uint32_t proxy_crc32c(std::string_view bytes, std::size_t zero_begin, std::size_t zero_end) {
  constexpr uint32_t kReversedPolynomial = 0x82f63b78;
  uint32_t crc = ~uint32_t{0};
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    crc ^= at >= zero_begin && at < zero_end ? 0u : byte_at(bytes, at);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kReversedPolynomial : 0);
  }
  return ~crc;
}

ParsedProxyHeader parse_proxy_header(std::string_view bytes) {
  if (begins(bytes, kSignature)) return bytes.size() < kSignature.size() ? kPartial : parse_binary(bytes);
  if (begins(bytes, kTextStart)) return bytes.size() < kTextStart.size() ? kPartial : parse_text(bytes);
  return kMalformed;
}

}  // namespace headgate::shard
