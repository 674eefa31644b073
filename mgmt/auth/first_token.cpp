// SPDX-License-Identifier: Apache-2.0
#include "mgmt/auth/first_token.hpp"

#include "dataplane/core/durable_file.hpp"
#include "mgmt/auth/secret.hpp"

namespace headgate::auth {
namespace {

constexpr const char* kFirstToken = "admin";

}  // namespace

Result<bool> ensure_first_token(db::Store& store, const std::string& path) {
  auto reader = store.reader();
  if (!reader.ok()) return std::move(reader).error();
  auto tokens = reader->tokens();
  if (!tokens.ok()) return std::move(tokens).error();
  if (!tokens->empty()) return false;
  // The file first: a token whose secret nobody has would lock everybody out; a file of no token is replaced
  // here.
  const auto secret = new_secret();
  auto written = write_file_durably(path, secret + "\n", 0600);
  if (!written.ok()) return std::move(written).error();
  db::Token token;
  token.name = kFirstToken;
  token.role = db::Role::kAdmin;
  auto stored = store.put_token("headgated", token, digest_of(secret), {.must_not_exist = true});
  if (!stored.ok()) return std::move(stored).error();
  return true;
}

}  // namespace headgate::auth
