// SPDX-License-Identifier: Apache-2.0
// SecretStore: the secrets of a replica, by digest. They come ahead of the snapshot that names them; one that
// was named and is no more is wiped. Thread: control.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "dataplane/contract/secret.hpp"
#include "dataplane/core/result.hpp"

namespace headgate::shard {

class SecretStore {
 public:
  SecretStore() = default;
  SecretStore(const SecretStore&) = delete;
  SecretStore& operator=(const SecretStore&) = delete;
  ~SecretStore();

  // kInvalid where the bytes are not those of the digest. Wipes what it does not keep.
  Result<void> add(contract::Secret& secret);
  // Empty where it has not come. Valid until the next forget_all_but().
  std::string_view find(std::string_view digest) const;
  void forget_all_but(const std::set<std::string, std::less<>>& named);

 private:
  struct Held {
    std::string bytes;
    bool was_named = false;
  };
  std::map<std::string, Held, std::less<>> held_;
};

}  // namespace headgate::shard
