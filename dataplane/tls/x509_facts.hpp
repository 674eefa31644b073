// SPDX-License-Identifier: Apache-2.0
// CertificateFacts of an X509 that is parsed already. For the sources of this folder. Pure; any thread.
#pragma once

#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/handles.hpp"

namespace headgate::tls {

// The subject names no host any more, and "f*.example.com" no hosts (RFC 9525 section 6.3).
inline constexpr unsigned int kNameCheckFlags =
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

Result<CertificateFacts> facts_of(X509* certificate);
std::string subject_of(X509* certificate);
std::string common_name_of(X509* certificate);

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>>;
NamesPtr alternative_names(X509* certificate);      // null: it has none, or no well-formed ones
std::string_view text_of(const ASN1_STRING* text);  // its bytes, whatever they are

// By its SAN alone (RFC 9525 section 2): a DNS name or an address as a client compares them, else a URI
// letter by letter.
bool stands_for(X509* certificate, const std::string& name);

}  // namespace headgate::tls
