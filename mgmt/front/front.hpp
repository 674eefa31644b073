// SPDX-License-Identifier: Apache-2.0
// Front: what headgated keeps in a directory for the headgate-shard that serves other machines in front of it
// (DESIGN section 5): its snapshot, its secrets, and the authority's certificate for whoever is to believe
// it. A process apart, which follows these files: neither ends with the other, and the one that reads the
// network's bytes reaches neither database nor sealing key. Thread: one; it writes files.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/contract/secret.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/tls/certificate_authority.hpp"

namespace headgate::front {

struct FrontOptions {
  Endpoint listen;
  std::vector<std::string> names;  // of the certificate; each is a tls::is_server_name()
  std::filesystem::path directory;
  std::chrono::milliseconds certificate_lifetime{};
};

// Whom clients call the machine: its name, localhost, and the address that it listens on where it is one.
std::vector<std::string> default_names(const Endpoint& listen);

class Front {
 public:
  Front(FrontOptions options, tls::CertificateAuthority authority);

  void set_backend(const Endpoint& backend) { backend_ = backend; }  // once headgated listens

  // Writes the files where they are missing or a third of the certificate's lifetime is over. Where that
  // fails, it says so in the log, and what is there stands. When it wants to be called again.
  std::chrono::milliseconds keep_current(int64_t unix_ms);

  // The command that serves them.
  std::string command() const;
  const tls::CertificateAuthority& authority() const { return authority_; }

  static constexpr const char* kSnapshotFile = "snapshot.json";
  static constexpr const char* kSecretsFile = "secrets.json";
  static constexpr const char* kAuthorityFile = "ca.pem";

 private:
  Result<void> write(int64_t unix_ms);
  Result<void> write_secrets(contract::Secret fresh) const;

  FrontOptions options_;
  Endpoint backend_;
  tls::CertificateAuthority authority_;
  int64_t written_ms_ = 0;  // Unix time: certificates begin and end by that clock, which may be set back
  int64_t due_ms_ = 0;
};

}  // namespace headgate::front
