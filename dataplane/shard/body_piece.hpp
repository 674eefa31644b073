// SPDX-License-Identifier: Apache-2.0
// BodyPiece: a part of a body on its way from one leg of an exchange to the other, whatever either speaks. It
// owns no byte: the leg that gave it keeps the bytes until it is asked for the next piece, which happens when
// the other leg has written this one. Flow: what became of a step in one direction. Pure values.
#pragma once

#include <string_view>

#include "dataplane/l7/http_message.hpp"

namespace headgate::shard {

class Pipe;

struct BodyPiece {
  std::string_view data;
  Pipe* pipe = nullptr;  // which holds what there is in place of `data`; only where both legs say so
  bool end = false;      // the body is whole
  bool kept = false;     // the bytes stay until the exchange ends: another try can send them again
  l7::Headers* trailers = nullptr;  // where `end`; null: none
};

enum class [[nodiscard]] Flow : uint8_t{
    kMoved,    // a piece was read; or all that was queued is written
    kBlocked,  // the exchange is told when it may go on
    kOver,     // nothing is left to be moved
    kFailed    // the leg's failure() says why
};

}  // namespace headgate::shard
