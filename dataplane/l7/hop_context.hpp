// SPDX-License-Identifier: Apache-2.0
// HopContext: what the first tier tells the second of a request that crosses the derived hop (DESIGN section
// 1), in the one field `headgate-context`: who the client is, what it reached, and what the backend is told
// of it, so that the second tier decides, logs and forwards as if there were one tier. It is believed on a
// hop socket only; anywhere else the field is dropped unread (forwarded.hpp). The form is strict and of one
// spelling, so that what is parsed and written again is the same bytes:
//
//   v1 listener=UID client=192.0.2.2:51234 for=192.0.2.2,10.0.0.1 proto=http host=a.example port=80 id=…
//
// then, where the client has shown a certificate, `tls_client=NAME tls_client_sha256=HEX`, with each byte of
// the name that is no printing ASCII, and "%", as %XX (the name may be empty); and last, where what the
// request says of its trace may be believed, the word `trace=believed`. The certificate itself, where
// backends are to have it, crosses as the field Client-Cert. What is said of every request is the
// version's; what only some have is a word at the end.
// Pure; views point into the text or the arena.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/forwarded.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

struct HopContext {
  std::string_view listener;  // Listener::uid: what the client reached
  uint16_t client_port = 0;   // 0: not known, a trusted proxy told of the client
  ForwardedFacts facts;
  // What the request says of its trace (trace_context.hpp) is the first tier's word, or a trusted proxy's.
  bool trace_believed = false;
};

[[nodiscard]] std::string_view write_hop_context(const HopContext& context, Arena& arena);
[[nodiscard]] std::optional<HopContext> parse_hop_context(std::string_view text, Arena& arena);

// The context in the place of the fields that set_forwarded() and add_forwarded() wrote: the second tier
// writes them again.
void pass_on(Headers& headers, std::string_view context);
// The field's value where it stands exactly once.
std::optional<std::string_view> hop_context_of(const Headers& headers);

}  // namespace headgate::l7
