// SPDX-License-Identifier: Apache-2.0
// SealedBox: bytes encrypted for a disk (AES-256-GCM), under a key that lives apart from them. What was
// sealed opens with the same key and in the same context only: a sealed secret that was put in another's
// place is as bad as a forged one. Const after it is made; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/core/result.hpp"

namespace headgate::tls {

class SealedBox {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  // The key of a file: 64 hex digits, readable by its owner alone. kNotFound where there is no file,
  // kPermission where others can read it. The message says what to do, and holds nothing of the key.
  static Result<SealedBox> load(const std::string& key_file);
  // The same; makes the file (0600) where there is none.
  static Result<SealedBox> load_or_make(const std::string& key_file);
  // Of a systemd credential (LoadCredential=NAME:…, systemd.exec(5)); nothing where there is none. systemd
  // guards who can read it, by means that its mode does not show.
  static std::optional<Result<SealedBox>> load_credential(const std::string& name);

  SealedBox(SealedBox&&) noexcept = default;
  SealedBox(const SealedBox&) = default;
  SealedBox& operator=(SealedBox&&) noexcept = default;
  SealedBox& operator=(const SealedBox&) = default;
  ~SealedBox();

  std::string seal(std::string_view bytes, std::string_view context) const;
  // kInvalid where it was not sealed by this key in this context, whatever the reason: one cannot tell.
  Result<std::string> unseal(std::string_view sealed, std::string_view context) const;
  // A digest (64 hex digits) that only who has the key can make: unlike a plain one it does not let others
  // try out what the bytes could be.
  std::string keyed_digest(std::string_view bytes) const;

 private:
  using Key = std::array<unsigned char, kKeyBytes>;
  explicit SealedBox(const Key& master);
  static Result<SealedBox> from_text(std::string_view text, const std::string& place);

  Key seal_key_{};
  Key digest_key_{};
};

}  // namespace headgate::tls
