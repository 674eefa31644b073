// SPDX-License-Identifier: Apache-2.0
#include "mgmt/front/front.hpp"

#include <algorithm>
#include <array>
#include <climits>

#include <fmt/format.h>
#include <unistd.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/contract/secret_names.hpp"
#include "dataplane/core/ascii.hpp"
#include "dataplane/core/durable_file.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/tls/digest.hpp"
#include "mgmt/front/front_snapshot.hpp"

namespace headgate::front {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookInterval = std::chrono::minutes(1);  // the clock may jump, files may go
constexpr milliseconds kRetryDelay = std::chrono::seconds(10);
constexpr unsigned kForAll = 0644;
constexpr unsigned kForOwner = 0600;

Result<void> make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return system_error(error.value(), "making " + directory.string());
  return {};
}

// What the snapshot that stands in the directory names: a front that starts between the writing of the new
// secrets and of the new snapshot still needs it.
contract::Secrets secrets_in_use(const std::filesystem::path& directory) {
  contract::Secrets in_use;
  const auto snapshot_text = read_file(directory / Front::kSnapshotFile);
  auto secrets_text = read_file(directory / Front::kSecretsFile);
  if (!snapshot_text.ok() || !secrets_text.ok()) return in_use;
  const auto snapshot = contract::decode_delta(*snapshot_text);
  auto secrets = contract::decode_secrets(*secrets_text);
  tls::wipe(*secrets_text);
  if (!snapshot.ok() || !secrets.ok()) return in_use;
  const auto named = contract::secret_names(*snapshot);
  for (auto& secret : secrets->secrets)
    if (named.contains(secret.digest))
      in_use.secrets.push_back(std::move(secret));
    else
      tls::wipe(secret.bytes);
  return in_use;
}

}  // namespace

std::vector<std::string> default_names(const Endpoint& listen) {
  std::vector<std::string> names;
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string name = ascii::lowered(host.data());
  if (tls::is_server_name(name) && name != "localhost") names.push_back(std::move(name));
  names.emplace_back("localhost");
  if (!listen.address.is_unspecified()) names.push_back(listen.address.to_string());
  return names;
}

Front::Front(FrontOptions options, tls::CertificateAuthority authority)
    : options_(std::move(options)), authority_(std::move(authority)) {}

std::string Front::command() const {
  return fmt::format("headgate-shard --name front/0 --snapshot {} --secrets {}",
                     (options_.directory / kSnapshotFile).string(),
                     (options_.directory / kSecretsFile).string());
}

milliseconds Front::keep_current(int64_t unix_ms) {
  std::error_code ignored;
  bool complete = true;
  for (const char* file : {kSnapshotFile, kSecretsFile, kAuthorityFile})
    complete = complete && std::filesystem::exists(options_.directory / file, ignored);
  if (!complete || unix_ms >= due_ms_ || unix_ms < written_ms_) {
    if (const auto written = write(unix_ms); !written.ok()) {
      log::error("the API's front gets no new certificate: " + written.error().message);
      return kRetryDelay;
    }
  }
  return std::clamp(milliseconds(due_ms_ - unix_ms), milliseconds(1), kLookInterval);
}

// In an order in which every state on the way can be served: what is named is there before it is named.
Result<void> Front::write(int64_t unix_ms) {
  if (auto made = make_directory(options_.directory); !made.ok()) return made;
  auto issued = authority_.issue_server(options_.names, unix_ms, options_.certificate_lifetime);
  if (!issued.ok()) return std::move(issued).error();
  const auto facts = tls::parse_chain(issued->certificate);
  if (!facts.ok()) return facts.error();
  contract::Secret key{tls::sha256_hex(issued->key), std::move(issued->key)};
  const FrontShape shape{options_.listen, backend_, issued->certificate, key.digest};

  auto written = write_file_durably(options_.directory / kAuthorityFile, authority_.certificate(), kForAll);
  if (written.ok()) written = write_secrets(std::move(key));
  if (written.ok())
    written = write_file_durably(
        options_.directory / kSnapshotFile,
        contract::encode(front_snapshot(shape, static_cast<contract::Revision>(unix_ms))), kForOwner);
  if (!written.ok()) return written;
  written_ms_ = unix_ms;
  due_ms_ = unix_ms + (facts->not_after_ms - unix_ms) / 3;
  log::info(fmt::format("the API's front on {} has the certificate {}", options_.listen.to_string(),
                        facts->fingerprint));
  return {};
}

Result<void> Front::write_secrets(contract::Secret fresh) const {
  auto secrets = secrets_in_use(options_.directory);
  secrets.secrets.push_back(std::move(fresh));
  auto text = contract::encode(secrets);
  auto written = write_file_durably(options_.directory / kSecretsFile, text, kForOwner);
  tls::wipe(text);
  for (auto& secret : secrets.secrets) tls::wipe(secret.bytes);
  return written;
}

}  // namespace headgate::front
