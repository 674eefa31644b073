// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/secret_store.hpp"

#include <utility>
#include <vector>

#include "dataplane/core/durable_file.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::node {
namespace {

std::string context_of(const std::string& digest) { return "headgate-node secret " + digest; }

}  // namespace

SecretStore::SecretStore(std::filesystem::path state_directory)
    : key_file_(state_directory / "secrets.key"), directory_(state_directory / "secrets") {}

Result<void> SecretStore::open() {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (!error) std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  if (error) return system_error(error.value(), "making " + directory_.string());
  auto box = tls::SealedBox::load_or_make(key_file_);
  if (!box.ok()) return std::move(box).error();
  box_ = *std::move(box);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
    files.push_back(entry.path());
  for (const auto& file : files) load(file);
  return {};
}

void SecretStore::load(const std::filesystem::path& file) {
  const auto digest = file.filename().string();
  const auto sealed = read_file(file);
  if (!sealed.ok()) return log::warning(sealed.error().message);
  auto bytes = box_->unseal(*sealed, context_of(digest));
  if (bytes.ok() && tls::sha256_hex(*bytes) == digest) {
    bytes_.emplace(digest, *std::move(bytes));
    return;
  }
  log::warning("removing " + file.string() + ": it was sealed by another key, or is damaged");
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
}

SecretStore::Added SecretStore::add(const contract::Secrets& secrets) {
  Added added{.digests = {}, .stored = {}};
  if (!box_) added.stored = Error{ErrorCode::kUnavailable, "secrets are kept in memory only"};
  for (const auto& [digest, bytes] : secrets.secrets) {
    if (tls::sha256_hex(bytes) != digest) {
      log::warning("headgated sent a secret that is not what its digest says; it is not taken");
      continue;
    }
    added.digests.insert(digest);
    if (!bytes_.insert_or_assign(digest, bytes).second || !box_) continue;
    auto stored = write_file_durably(directory_ / digest, box_->seal(bytes, context_of(digest)), 0600);
    if (!stored.ok()) added.stored = std::move(stored);
  }
  return added;
}

void SecretStore::forget_all_but(const Digests& named) {
  for (auto at = bytes_.begin(); at != bytes_.end();) {
    if (named.contains(at->first)) {
      ++at;
      continue;
    }
    std::error_code ignored;  // it is found again by the next start, and forgotten then
    std::filesystem::remove(directory_ / at->first, ignored);
    at = bytes_.erase(at);
  }
}

SecretStore::Digests SecretStore::missing(const Digests& named) const {
  Digests missing;
  for (const auto& digest : named)
    if (!bytes_.contains(digest)) missing.insert(digest);
  return missing;
}

contract::Secrets SecretStore::find(const Digests& digests) const {
  contract::Secrets found;
  for (const auto& digest : digests)
    if (const auto at = bytes_.find(digest); at != bytes_.end())
      found.secrets.push_back({at->first, at->second});
  return found;
}

}  // namespace headgate::node
