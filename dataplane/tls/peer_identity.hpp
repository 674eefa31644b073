// SPDX-License-Identifier: Apache-2.0
// PeerIdentity: who the other side of a connection has proved to be, by the certificate that it showed and
// that was verified. Plain values: they hold whatever bytes an authority has signed, so who writes them
// anywhere escapes them. Pure; any thread. Who makes one: tls::Session.
#pragma once

#include <string>

struct x509_st;  // OpenSSL's X509

namespace headgate::tls {

struct PeerIdentity {
  // The first URI of the SAN that is not empty, else the first DNS name, else the first e-mail address, else
  // the subject as RFC 2253 writes it, in ASCII; cut off at limits::kPeerNameBytesMax. Empty: it names
  // nobody.
  std::string name;
  std::string common_name;  // the last of the subject, in UTF-8; empty where it has none
  std::string fingerprint;  // SHA-256 of the DER, 64 hex digits in lower case
};
PeerIdentity identity_of(x509_st* certificate);

// The DER as RFC 8941 section 3.3.5 writes bytes: ":BASE64:".
std::string byte_sequence_of(x509_st* certificate);

}  // namespace headgate::tls
