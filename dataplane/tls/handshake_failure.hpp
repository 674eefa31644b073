// SPDX-License-Identifier: Apache-2.0
// Why a handshake ended without a session: an enumerator is a counter. Plain values.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::tls {

enum class HandshakeFailure : uint8_t {
  kNone,
  kTimeout,                   // the other side took too long
  kGone,                      // it ended or reset the connection
  kNotTls,                    // what it sent is no TLS: plain HTTP, most likely
  kNoCertificate,             // no certificate can be served under the name that it asked for
  kNothingInCommon,           // no version, cipher, group or protocol that both speak
  kNoPeerCertificate,         // it owes one and sent none
  kUntrustedPeerCertificate,  // not of an authority that is believed
  kExpiredPeerCertificate,    // or not valid yet
  kPeerNameMismatch,          // its certificate stands for others
  kBadPeerCertificate,        // in another way: for another purpose, too weak
  kRefusedByPeer,             // it sent an alert: it does not believe our certificate, most likely
  kNotConfigured,             // what we owe is not there: our certificate's key, the authorities
  kOther,
};
inline constexpr std::size_t kHandshakeFailures = 14;
std::string_view name_of(HandshakeFailure failure);  // "not_tls", as counters and logs spell it

// From the error queue of OpenSSL, whose reasons are its caller's business alone; `verify_result` says what
// was wrong with a certificate (SSL_get_verify_result(3)).
HandshakeFailure failure_of(unsigned long openssl_error, long verify_result);

}  // namespace headgate::tls
