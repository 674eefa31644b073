// SPDX-License-Identifier: Apache-2.0
#include "mgmt/auth/first_token.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/unique_fd.hpp"
#include "mgmt/auth/secret.hpp"

namespace headgate::auth {
namespace {

constexpr const char* kFirstToken = "admin";

Result<void> sync_directory_of(const std::string& path) {
  const auto parent = std::filesystem::absolute(path).parent_path();
  const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) < 0) return system_error(errno, "syncing " + parent.string());
  return {};
}

// Whole or not at all, also when the machine stops in the middle.
Result<void> write_private_file(const std::string& path, const std::string& text) {
  const auto temporary = path + ".new";
  ::unlink(
      temporary.c_str());  // of an interrupted start; O_EXCL: nobody else's file or link is written through
  {
    const UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return system_error(errno, "creating the token file " + temporary);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.get()) < 0)
      return system_error(errno, "writing the token file " + temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) < 0)
    return system_error(errno, "renaming to the token file " + path);
  return sync_directory_of(path);
}

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
  auto written = write_private_file(path, secret + "\n");
  if (!written.ok()) return std::move(written).error();
  db::Token token;
  token.name = kFirstToken;
  token.role = db::Role::kAdmin;
  auto stored = store.put_token("headgated", token, digest_of(secret), {.must_not_exist = true});
  if (!stored.ok()) return std::move(stored).error();
  return true;
}

}  // namespace headgate::auth
