// SPDX-License-Identifier: Apache-2.0
// The first admin token: made when the database has no token at all, its secret put into a file that only its
// owner can read. A restart keeps both. Thread: main's, at start.
#pragma once

#include <string>

#include "dataplane/core/result.hpp"
#include "db/store/store.hpp"

namespace headgate::auth {

// True where a token was made.
Result<bool> ensure_first_token(db::Store& store, const std::string& path);

}  // namespace headgate::auth
