// SPDX-License-Identifier: Apache-2.0
// The Unix sockets over which headgate-node speaks with its processes: made by the node in its run directory,
// listened on by the process, and still there to connect to when another headgate-node comes. Thread: any.
#pragma once

#include <filesystem>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

// A new listening socket at `path`; one that a dead process left there is replaced.
Result<UniqueFd> listen_control_socket(const std::filesystem::path& path);
// kUnavailable where nobody listens any more, kNotFound where there never was one.
Result<UniqueFd> connect_control_socket(const std::filesystem::path& path);

}  // namespace headgate::node
