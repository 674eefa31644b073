// SPDX-License-Identifier: Apache-2.0
// Secret: bytes that no snapshot, revision, log or status may hold: private keys, passwords. A snapshot names
// them by digest; they travel apart (message.hpp, node_api.hpp) and are encrypted wherever they are stored.
// Whoever needs one that has not come yet does without what needs it, and says so. Thread: control.
#pragma once

#include <string>
#include <vector>

#include "dataplane/contract/fields.hpp"

namespace headgate::contract {

struct Secret {
  std::string digest;  // SHA-256 of the bytes, 64 hex digits in lower case; the receiver checks it
  std::string bytes;   // text: PEM, or base64 where it is none

  static constexpr auto kFields =
      std::tuple{field("digest", &Secret::digest), field("bytes", &Secret::bytes)};
  friend bool operator==(const Secret&, const Secret&) = default;
};

// node → process, ahead of the Configure that names them; headgated → node, as the answer to SecretsWanted.
// Adds to what the receiver has; it forgets what no snapshot of its own names any more.
struct Secrets {
  std::vector<Secret> secrets;

  static constexpr auto kFields = std::tuple{field("secrets", &Secrets::secrets)};
  friend bool operator==(const Secrets&, const Secrets&) = default;
};

struct SecretsWanted {
  std::vector<std::string> digests;

  static constexpr auto kFields = std::tuple{field("digests", &SecretsWanted::digests)};
  friend bool operator==(const SecretsWanted&, const SecretsWanted&) = default;
};

}  // namespace headgate::contract
