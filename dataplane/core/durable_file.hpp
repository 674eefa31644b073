// SPDX-License-Identifier: Apache-2.0
// Small files that must be whole after any stop of the machine: credentials, keys, the last good state.
// Blocks for as long as the disk takes; any thread, one writer a path.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "dataplane/core/result.hpp"

namespace headgate {

// Whole, durable, or not at all: a temporary file beside it, fsync, rename, fsync of the directory. The
// temporary one is made anew, so nothing is written through a link or into a file that others have open.
Result<void> write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode);
// All of it; kNotFound where it does not exist.
Result<std::string> read_file(const std::filesystem::path& path);

}  // namespace headgate
