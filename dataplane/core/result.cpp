// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/result.hpp"

#include <cerrno>
#include <system_error>

namespace headgate {
namespace {

ErrorCode code_of(int errno_value) {
  switch (errno_value) {
    case EPERM:
    case EACCES:
      return ErrorCode::kPermission;
    case ENOENT:
    case ENODEV:
      return ErrorCode::kNotFound;
    case EEXIST:
    case EADDRINUSE:
    case EBUSY:
      return ErrorCode::kConflict;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case ENOSPC:
      return ErrorCode::kExhausted;
    case EINVAL:
    case EADDRNOTAVAIL:
      return ErrorCode::kInvalid;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Error system_error(int errno_value, std::string what) {
  what += ": ";
  what += std::generic_category().message(errno_value);
  return Error{code_of(errno_value), std::move(what)};
}

}  // namespace headgate
