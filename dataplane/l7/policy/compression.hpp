// SPDX-License-Identifier: Apache-2.0
// Which coding a response gets, and what its head says then (RFC 9110 sections 8.4, 8.8.3, 12.5.3). The bytes
// are compressed where they pass (dataplane/shard/compressor.hpp). Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/contract/filters.hpp"
#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7::policy {

// What a request's Accept-Encoding fields say: a weight in thousandths for each coding, 0: not wanted.
struct AcceptedCodings {
  std::array<uint16_t, 3> weights{};  // by contract::ContentCoding
  uint16_t identity = 0;              // as it is; where nothing is said of that, less than any other

  // What is malformed is passed over.
  static AcceptedCodings of(const Headers& request);
  std::optional<contract::ContentCoding> choose(
      const std::vector<contract::ContentCoding>& by_preference) const;
};

// Edits the head of a response that a client gets compressed, or that another client would, and gives the
// coding for the body; nothing: it stays as it is. Only of final responses of a backend.
std::optional<contract::ContentCoding> compress_head(const contract::Compression& compression,
                                                     const AcceptedCodings& accepted, ResponseHead& response,
                                                     Arena& arena);

}  // namespace headgate::l7::policy
