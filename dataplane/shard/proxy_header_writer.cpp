// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/proxy_header_writer.hpp"

#include <charconv>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/shard/proxy_header_form.hpp"

namespace headgate::shard {
namespace {

using namespace proxy_form;

bool names_nobody(const ProxyHeader& header) {
  return header.local || header.source.address.is_v6() != header.destination.address.is_v6();
}

// Appends to memory that was taken for the longest header.
class Bytes {
 public:
  explicit Bytes(Arena& arena) : arena_(arena), begin_(arena.allocate(limits::kProxyHeaderBytesMax)) {}

  void put(std::string_view text) {
    HG_ASSERT(size_bytes_ + text.size() <= limits::kProxyHeaderBytesMax);
    text.copy(begin_ + size_bytes_, text.size());
    size_bytes_ += text.size();
  }
  void put(uint8_t byte) {
    const char character = static_cast<char>(byte);
    put(std::string_view(&character, 1));
  }
  void put16(std::size_t value) {
    put(static_cast<uint8_t>(value >> 8));
    put(static_cast<uint8_t>(value & 0xff));
  }
  void put_address(const IpAddress& address) {
    const auto& raw = address.bytes();
    put({reinterpret_cast<const char*>(raw.data()), address.size_bytes()});
  }
  void put_decimal(uint16_t value) {
    char digits[5];
    char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    put(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  // A TLV of a text; nothing where it is none.
  void put_text(uint8_t type, std::string_view text) {
    if (!is_proxy_text(text)) return;
    put(type);
    put16(text.size());
    put(text);
  }
  void set16(std::size_t at, std::size_t value) {
    begin_[at] = static_cast<char>(value >> 8);
    begin_[at + 1] = static_cast<char>(value & 0xff);
  }
  std::size_t size_bytes() const { return size_bytes_; }
  std::string_view text() const { return {begin_, size_bytes_}; }
  std::string_view done() {
    arena_.shrink_last(begin_ + size_bytes_);
    return text();
  }

 private:
  Arena& arena_;
  char* begin_;
  std::size_t size_bytes_ = 0;
};

std::string_view write_line(const ProxyHeader& header, Bytes out) {
  out.put(kTextStart);
  if (names_nobody(header)) {
    out.put("UNKNOWN\r\n");
    return out.done();
  }
  out.put(header.source.address.is_v6() ? "TCP6 " : "TCP4 ");
  for (const auto* end : {&header.source, &header.destination}) {
    out.put(end->address.to_string());
    out.put(" ");
  }
  out.put_decimal(header.source.port);
  out.put(" ");
  out.put_decimal(header.destination.port);
  out.put("\r\n");
  return out.done();
}

void put_tls(const ProxyTls& tls, Bytes& out) {
  out.put(kTypeTls);
  const std::size_t length_at = out.size_bytes();
  out.put16(0);
  out.put(static_cast<uint8_t>(kClientTls | (tls.certificate_here ? kClientCertificateHere : 0) |
                               (tls.certificate_session ? kClientCertificateSession : 0)));
  out.put16(0);
  out.put16(tls.verified ? 0 : 1);
  out.put_text(kTypeTlsVersion, tls.version);
  out.put_text(kTypeTlsCommonName, tls.common_name);
  out.put_text(kTypeTlsCipher, tls.cipher);
  out.set16(length_at, out.size_bytes() - length_at - 2);
}

void put_checksum(Bytes& out) {
  out.put(kTypeCrc32c);
  out.put16(4);
  const std::size_t at = out.size_bytes();
  out.put16(0);
  out.put16(0);
  out.set16(kFixedBytes - 2, out.size_bytes() - kFixedBytes);
  const uint32_t crc = proxy_crc32c(out.text(), at, at + 4);
  out.set16(at, crc >> 16);
  out.set16(at + 2, crc & 0xffff);
}

std::string_view write_binary(const ProxyHeader& header, Bytes out) {
  out.put(kSignature);
  out.put(kCommandProxy);
  const bool v6 = header.source.address.is_v6();
  out.put(names_nobody(header) ? kFamilyUnknown : v6 ? kFamilyTcp6 : kFamilyTcp4);
  out.put16(0);
  if (names_nobody(header)) return out.done();
  out.put_address(header.source.address);
  out.put_address(header.destination.address);
  out.put16(header.source.port);
  out.put16(header.destination.port);
  out.put_text(kTypeAlpn, header.alpn);
  out.put_text(kTypeAuthority, header.authority);
  if (header.tls) put_tls(*header.tls, out);
  out.put_text(kTypeHopListener, header.hop_listener);
  put_checksum(out);
  return out.done();
}

}  // namespace

std::string_view write_proxy_header(const ProxyHeader& header, contract::ProxyVersion version, Arena& arena) {
  return version == contract::ProxyVersion::kV1 ? write_line(header, Bytes(arena))
                                                : write_binary(header, Bytes(arena));
}

}  // namespace headgate::shard
