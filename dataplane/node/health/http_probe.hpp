// SPDX-License-Identifier: Apache-2.0
// What an HTTP probe sends and how its answer is judged. The answer is untrusted: only its status line is
// looked at, and only strictly (RFC 9112 section 4). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/objects.hpp"

namespace headgate::node {

// GET of HTTP/1.1 that asks to close. `member`: host and port of the backend, where the check names no host.
std::string probe_request(const contract::HealthCheck& check, std::string_view member);

struct ProbeAnswer {
  bool complete = false;  // enough has come to judge
  bool good = false;
  std::string reason;  // why not: "status 503"
};
ProbeAnswer judge_answer(std::string_view received, const std::vector<contract::StatusRange>& expected);

}  // namespace headgate::node
