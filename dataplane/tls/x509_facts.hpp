// SPDX-License-Identifier: Apache-2.0
// CertificateFacts of an X509 that is parsed already. For the sources of this folder. Pure; any thread.
#pragma once

#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/handles.hpp"

namespace headgate::tls {

Result<CertificateFacts> facts_of(X509* certificate);
std::string subject_of(X509* certificate);
std::vector<std::string> uris_of(X509* certificate);

}  // namespace headgate::tls
