// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/secret_names.hpp"

namespace headgate::contract {

void add_secret_names(const Object& object, std::set<std::string>& digests) {
  if (const auto* certificate = std::get_if<Certificate>(&object);
      certificate && !certificate->key_digest.empty())
    digests.insert(certificate->key_digest);
  if (const auto* settings = std::get_if<ShardSettings>(&object);
      settings && !settings->ticket_secret.empty())
    digests.insert(settings->ticket_secret);
}

std::set<std::string> secret_names(const Snapshot& snapshot) {
  std::set<std::string> digests;
  for (const auto& [key, object] : snapshot.objects) add_secret_names(*object, digests);
  return digests;
}

std::set<std::string> secret_names(const Delta& delta) {
  std::set<std::string> digests;
  for (const auto& [key, object] : delta.upserts) add_secret_names(*object, digests);
  return digests;
}

}  // namespace headgate::contract
