// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/handshake_failure.hpp"

#include <array>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace headgate::tls {
namespace {

constexpr std::array<std::string_view, kHandshakeFailures> kNames{"none",
                                                                  "timeout",
                                                                  "gone",
                                                                  "not_tls",
                                                                  "no_certificate",
                                                                  "nothing_in_common",
                                                                  "no_peer_certificate",
                                                                  "untrusted_peer_certificate",
                                                                  "expired_peer_certificate",
                                                                  "peer_name_mismatch",
                                                                  "bad_peer_certificate",
                                                                  "refused_by_peer",
                                                                  "not_configured",
                                                                  "other"};
static_assert(kNames.size() == static_cast<std::size_t>(HandshakeFailure::kOther) + 1);

HandshakeFailure failure_of_certificate(long verify_result) {
  switch (verify_result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_INVALID_CA:
      return HandshakeFailure::kUntrustedPeerCertificate;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return HandshakeFailure::kExpiredPeerCertificate;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return HandshakeFailure::kPeerNameMismatch;
    default:
      return HandshakeFailure::kBadPeerCertificate;
  }
}

// RFC 8446 section 6.2, RFC 7301 section 3.2. handshake_failure may be about our certificate as well.
HandshakeFailure failure_of_alert(int alert) {
  switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_INSUFFICIENT_SECURITY:
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return HandshakeFailure::kNothingInCommon;
    default:
      return HandshakeFailure::kRefusedByPeer;
  }
}

}  // namespace

std::string_view name_of(HandshakeFailure failure) { return kNames[static_cast<std::size_t>(failure)]; }

HandshakeFailure failure_of(unsigned long openssl_error, long verify_result) {
  if (ERR_GET_LIB(openssl_error) != ERR_LIB_SSL) return HandshakeFailure::kOther;
  const int reason = ERR_GET_REASON(openssl_error);
  if (reason > SSL_AD_REASON_OFFSET) return failure_of_alert(reason - SSL_AD_REASON_OFFSET);
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
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:  // no other message has a bound that a peer meets
      return HandshakeFailure::kBadPeerCertificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return failure_of_certificate(verify_result);
    default:
      return HandshakeFailure::kOther;
  }
}

}  // namespace headgate::tls
