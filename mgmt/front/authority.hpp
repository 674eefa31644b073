// SPDX-License-Identifier: Apache-2.0
// The internal authority's place in the database: its key is sealed like every other secret, and with it goes
// its certificate. Any thread.
#pragma once

#include "dataplane/core/result.hpp"
#include "dataplane/tls/certificate_authority.hpp"
#include "db/store/store.hpp"
#include "mgmt/service/vault.hpp"

namespace headgate::front {

// The installation's, made where there is none. Where another key has sealed it, kInvalid: started once with
// the wrong key, headgated must not lose what every client and node believes. `anew`: that key is given up,
// and a new authority takes the old one's place.
Result<tls::CertificateAuthority> ensure_authority(db::Store& store, const service::Vault& vault,
                                                   int64_t unix_ms, bool anew);

}  // namespace headgate::front
