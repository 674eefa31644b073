// SPDX-License-Identifier: Apache-2.0
// HopAccess: where the hop sockets of this machine's shards are, and who may speak on ours: processes of the
// shards that the settings name, told by their users (SO_PEERCRED), which no process can choose. Where
// headgate-node is not root all shards run as one user, and that one is let in. Const once made; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "dataplane/contract/objects.hpp"

namespace headgate::shard {

struct HopAccess {
  std::string directory;                // empty: there are no hops
  std::optional<uid_t> shard_uid_base;  // none: every shard runs as we do
  uid_t own_uid = 0;

  std::string path_to(std::string_view shard) const {
    return std::string(directory).append("/").append(shard).append(".sock");
  }
  bool is_peer(const contract::HopPeer& peer, uid_t uid) const {
    return uid == (shard_uid_base ? *shard_uid_base + peer.user_number : own_uid);
  }
  bool lets_in(const std::vector<contract::HopPeer>& peers, uid_t uid) const {
    for (const auto& peer : peers)
      if (is_peer(peer, uid)) return true;
    return false;
  }
  // Whether it may pass on what a listener of that shard got.
  bool speaks_for(const std::vector<contract::HopPeer>& peers, std::string_view shard, uid_t uid) const {
    for (const auto& peer : peers)
      if (peer.shard == shard) return is_peer(peer, uid);
    return false;
  }
};

}  // namespace headgate::shard
