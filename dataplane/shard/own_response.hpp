// SPDX-License-Identifier: Apache-2.0
// OwnResponse: what the proxy answers by itself, in place of a backend: a status, its phrase and one line of
// text that names the reason. Its views live as long as the arena. Pure.
#pragma once

#include <string_view>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::shard {

// Never empty: some clients of HTTP/1.1 take an answer without one for none.
std::string_view reason_phrase(uint16_t status);

struct OwnResponse {
  OwnResponse(uint16_t status, std::string_view reason, Arena& arena);

  l7::ResponseHead head;
  std::string_view body;
};

}  // namespace headgate::shard
