// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/followed_files.hpp"

#include <algorithm>

#include <sys/stat.h>

#include "dataplane/contract/secret_names.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/shard/standalone.hpp"
#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

const contract::Secret* find(const contract::Secrets& secrets, const std::string& digest) {
  const auto found = std::find_if(secrets.secrets.begin(), secrets.secrets.end(),
                                  [&](const contract::Secret& secret) { return secret.digest == digest; });
  return found == secrets.secrets.end() ? nullptr : &*found;
}

// headgated's shards serve what they can of a snapshot that lacks something, since more comes. Here nothing
// does, and what is served already is better than the half of something new.
Result<void> check_complete(const contract::Delta& snapshot, const contract::Secrets& secrets) {
  for (const auto& digest : contract::secret_names(snapshot)) {
    const auto* secret = find(secrets, digest);
    if (secret == nullptr || tls::sha256_hex(secret->bytes) != digest)
      return Error{ErrorCode::kInvalid, "the snapshot names a secret that is missing or damaged: " + digest};
  }
  for (const auto& [key, object] : snapshot.upserts) {
    const auto* certificate = std::get_if<contract::Certificate>(object.get());
    if (certificate == nullptr || certificate->key_digest.empty()) continue;
    if (auto matches =
            tls::check_key_matches(certificate->chain, find(secrets, certificate->key_digest)->bytes);
        !matches.ok())
      return Error{ErrorCode::kInvalid, "certificate " + certificate->name + ": " + matches.error().message};
  }
  return {};
}

}  // namespace

FollowedFiles::FollowedFiles(ShardProcess& process, std::string snapshot, std::string secrets,
                             unsigned threads)
    : process_(process), snapshot_(std::move(snapshot)), secrets_(std::move(secrets)), threads_(threads) {}

std::optional<FollowedFiles::Mark> FollowedFiles::mark_of(const std::string& path) {
  struct stat status {};
  if (path.empty() || ::stat(path.c_str(), &status) < 0) return std::nullopt;
  return Mark{status.st_dev, status.st_ino, status.st_size, {status.st_ctim.tv_sec, status.st_ctim.tv_nsec}};
}

// The snapshot first: whoever writes them has the secrets there before a snapshot names them.
Result<FollowedFiles::Content> FollowedFiles::read() const {
  auto snapshot = read_snapshot(snapshot_);
  if (!snapshot.ok()) return std::move(snapshot).error();
  Content content{std::move(*snapshot), {}};
  if (secrets_.empty()) return content;
  auto secrets = read_secrets(secrets_);
  if (!secrets.ok()) return std::move(secrets).error();
  const auto named = contract::secret_names(content.snapshot);
  for (auto& secret : secrets->secrets)
    if (named.contains(secret.digest))
      content.secrets.secrets.push_back(std::move(secret));
    else
      tls::wipe(secret.bytes);
  return content;
}

Result<void> FollowedFiles::serve() {
  // Taken ahead of the reading, so that what comes meanwhile is read again and not missed.
  seen_ = {mark_of(snapshot_), mark_of(secrets_)};
  auto content = read();
  if (!content.ok()) return std::move(content).error();
  return apply(std::move(*content));
}

void FollowedFiles::look() {
  const Marks now{mark_of(snapshot_), mark_of(secrets_)};
  if (now == seen_) return;
  const auto replaced = replace();
  // What is no fault of the files (a port in use, no fds) may be over at the next look.
  if (replaced.ok() || replaced.error().code == ErrorCode::kInvalid) seen_ = now;
  if (replaced.ok())
    log::info("serving what is new in " + snapshot_);
  else
    log::warning("what is new is refused, and the old is served on: " + replaced.error().message);
}

Result<void> FollowedFiles::replace() {
  auto content = read();
  if (!content.ok()) return std::move(content).error();
  if (auto complete = check_complete(content->snapshot, content->secrets); !complete.ok()) {
    for (auto& secret : content->secrets.secrets) tls::wipe(secret.bytes);
    return complete;
  }
  return apply(std::move(*content));
}

// What can fail comes before anything is changed. Sockets only where addresses have: one that is opened anew
// has none of the old one's queue.
Result<void> FollowedFiles::apply(Content content) {
  auto addresses = listening_addresses(content.snapshot);
  if (addresses.empty()) return Error{ErrorCode::kInvalid, "the snapshot has no listener"};
  std::optional<OpenedSockets> sockets;
  if (addresses != listening_) {
    auto opened = open_sockets(addresses, threads_);
    if (!opened.ok()) return std::move(opened).error();
    sockets = std::move(*opened);
  }
  process_.add(std::move(content.secrets));
  if (auto applied = process_.apply(content.snapshot); !applied.ok()) return applied;
  if (!sockets) return {};
  listening_ = std::move(addresses);
  return process_.set_sockets(sockets->set, std::move(sockets->fds));
}

}  // namespace headgate::shard
