// SPDX-License-Identifier: Apache-2.0
// SecretStore: the secrets that this machine's processes need, in memory and, sealed by a key of the
// machine's own, on disk: so a machine that boots without headgated serves TLS as well. Files in the state
// directory: secrets.key (0600), secrets/DIGEST. Thread: the node's loop; a write blocks it for as long as
// the disk takes.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "dataplane/contract/secret.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/tls/sealed_box.hpp"

namespace headgate::node {

class SecretStore {
 public:
  using Digests = std::set<std::string>;

  explicit SecretStore(std::filesystem::path state_directory);

  // Once, first: all that is on disk; what does not open is removed, headgated has it. After an error secrets
  // are kept in memory alone.
  Result<void> open();
  // Takes those whose bytes are what their digest says. `stored` tells whether a boot will find them.
  struct Added {
    Digests digests;
    Result<void> stored;
  };
  Added add(const contract::Secrets& secrets);
  void forget_all_but(const Digests& named);

  Digests missing(const Digests& named) const;
  contract::Secrets find(const Digests& digests) const;  // those that are here

 private:
  void load(const std::filesystem::path& file);

  std::filesystem::path key_file_, directory_;
  std::optional<tls::SealedBox> box_;
  std::map<std::string, std::string> bytes_;  // by digest
};

}  // namespace headgate::node
