// SPDX-License-Identifier: Apache-2.0
// The fixed parts of the PROXY protocol's headers, as parser and writer share them (sections 2.1 and 2.2 of
// its document). Constants; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::shard::proxy_form {

inline constexpr std::string_view kTextStart = "PROXY ";

inline constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
// On the hop, where requests come as well: a first tier sends no empty line ahead of one (which RFC 9112
// section 2.2 lets clients do), so the first byte tells.
constexpr bool begins_header(char first) { return first == kSignature.front(); }
inline constexpr std::size_t kFixedBytes = 16;
inline constexpr uint8_t kCommandProxy = 0x21;
inline constexpr uint8_t kFamilyUnknown = 0x00;
inline constexpr uint8_t kFamilyTcp4 = 0x11;
inline constexpr uint8_t kFamilyTcp6 = 0x21;

inline constexpr uint8_t kTypeAlpn = 0x01;
inline constexpr uint8_t kTypeAuthority = 0x02;
inline constexpr uint8_t kTypeCrc32c = 0x03;
inline constexpr uint8_t kTypeTls = 0x20;
// Among those for custom use (section 2.2.8), and none that a cloud's balancers send: AWS 0xEA, Azure 0xEE,
// Google 0xE0.
inline constexpr uint8_t kTypeHopListener = 0xe8;
inline constexpr uint8_t kTypeTlsVersion = 0x21;  // inside kTypeTls
inline constexpr uint8_t kTypeTlsCommonName = 0x22;
inline constexpr uint8_t kTypeTlsCipher = 0x23;

inline constexpr uint8_t kClientTls = 0x01;  // flags of kTypeTls
inline constexpr uint8_t kClientCertificateHere = 0x02;
inline constexpr uint8_t kClientCertificateSession = 0x04;

}  // namespace headgate::shard::proxy_form
