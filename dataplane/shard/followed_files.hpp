// SPDX-License-Identifier: Apache-2.0
// FollowedFiles: the snapshot and the secrets that a standalone shard serves, and goes on serving when they
// are replaced: each is expected to come whole, by rename. Thread: control.
//
// Looked at by stat() once a second rather than by inotify, which would have to watch the directory, follow
// it when it is replaced itself, and still be backed by a look where its queue has overflowed.
#pragma once

#include <ctime>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <sys/types.h>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/shard/shard_process.hpp"

namespace headgate::shard {

class FollowedFiles {
 public:
  // `secrets` empty: none. `process` outlives it.
  FollowedFiles(ShardProcess& process, std::string snapshot, std::string secrets, unsigned threads);

  // What they hold now, with its sockets. The error says why nothing is served.
  Result<void> serve();
  // Applies what was replaced since. What is broken, or lacks a secret that it names, is refused with a line
  // in the log, once, and what was served before still is.
  void look();

 private:
  // What a rename changes. With the time of the last change, since an inode's number is used again.
  struct Mark {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size_bytes = 0;
    std::pair<std::time_t, long> changed{};
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  using Marks = std::pair<std::optional<Mark>, std::optional<Mark>>;
  struct Content {
    contract::Delta snapshot;
    contract::Secrets secrets;  // those that the snapshot names
  };

  static std::optional<Mark> mark_of(const std::string& path);
  Result<Content> read() const;
  Result<void> replace();
  Result<void> apply(Content content);

  ShardProcess& process_;
  std::string snapshot_;
  std::string secrets_;
  unsigned threads_;
  Marks seen_;
  std::set<Endpoint> listening_;
};

}  // namespace headgate::shard
