// SPDX-License-Identifier: Apache-2.0
// TlsMaterial: the certificates, authorities and keys of a shard, and which of them have changed since the
// tables were made. Plain data of TlsTableBuilder. Thread: control.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "dataplane/contract/objects.hpp"
#include "dataplane/shard/secret_store.hpp"
#include "dataplane/tls/server_policy.hpp"

namespace headgate::shard {

using Uids = std::set<std::string, std::less<>>;
template <typename T>
using ByUid = std::map<std::string, std::shared_ptr<const T>, std::less<>>;

struct TlsMaterial {
  SecretStore secrets;
  ByUid<contract::Certificate> certificates;
  ByUid<contract::TrustBundle> bundles;
  Uids changed_certificates;
  Uids changed_bundles;
  bool all_changed = false;

  // With its key, which the caller wipes; empty where that has not come.
  tls::ServerCertificate with_key(const contract::Certificate& certificate) const {
    return {certificate.name, certificate.chain, std::string(secrets.find(certificate.key_digest))};
  }
  void settle() {
    changed_certificates.clear();
    changed_bundles.clear();
    all_changed = false;
  }
};

}  // namespace headgate::shard
