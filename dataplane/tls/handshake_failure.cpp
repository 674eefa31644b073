// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/handshake_failure.hpp"

#include <array>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace headgate::tls {
namespace {

constexpr std::array<std::string_view, kHandshakeFailures> kNames{"none",
                                                                  "timeout",
                                                                  "gone",
                                                                  "not_tls",
                                                                  "no_certificate",
                                                                  "nothing_in_common",
                                                                  "no_peer_certificate",
                                                                  "bad_peer_certificate",
                                                                  "refused_by_peer",
                                                                  "other"};
static_assert(kNames.size() == static_cast<std::size_t>(HandshakeFailure::kOther) + 1);

}  // namespace

std::string_view name_of(HandshakeFailure failure) { return kNames[static_cast<std::size_t>(failure)]; }

HandshakeFailure failure_of(unsigned long openssl_error) {
  if (ERR_GET_LIB(openssl_error) != ERR_LIB_SSL) return HandshakeFailure::kOther;
  const int reason = ERR_GET_REASON(openssl_error);
  if (reason > SSL_AD_REASON_OFFSET) return HandshakeFailure::kRefusedByPeer;
  switch (reason) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return HandshakeFailure::kGone;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_UNEXPECTED_MESSAGE:
      return HandshakeFailure::kNotTls;
    case SSL_R_CALLBACK_FAILED:
      return HandshakeFailure::kNoCertificate;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return HandshakeFailure::kNothingInCommon;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return HandshakeFailure::kNoPeerCertificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return HandshakeFailure::kBadPeerCertificate;
    default:
      return HandshakeFailure::kOther;
  }
}

}  // namespace headgate::tls
