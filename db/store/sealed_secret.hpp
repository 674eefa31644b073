// SPDX-License-Identifier: Apache-2.0
// SealedSecret: what the database keeps of a private key or password: its digest, by which bodies name it,
// and bytes that only who has the sealing key can open. db never sees what is inside. A plain value, any
// thread.
#pragma once

#include <string>

namespace headgate::db {

struct SealedSecret {
  std::string digest;  // SHA-256 of what is sealed, 64 hex digits
  std::string sealed;

  friend bool operator==(const SealedSecret&, const SealedSecret&) = default;
};

}  // namespace headgate::db
