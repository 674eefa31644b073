// SPDX-License-Identifier: Apache-2.0
// UnixAddress: a path as the kernel's socket calls take it. A plain value; any thread.
#pragma once

#include <cstring>
#include <optional>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

namespace headgate {

class UnixAddress {
 public:
  static constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

  // Nothing where the path is too long to be one.
  static std::optional<UnixAddress> of(std::string_view path) {
    if (path.empty() || path.size() > kPathBytesMax) return std::nullopt;
    UnixAddress address;
    std::memcpy(address.raw_.sun_path, path.data(), path.size());
    return address;
  }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&raw_); }
  socklen_t size() const { return sizeof raw_; }

 private:
  UnixAddress() { raw_.sun_family = AF_UNIX; }
  sockaddr_un raw_{};
};

}  // namespace headgate
