// SPDX-License-Identifier: Apache-2.0
// Whether a certificate can take the place of another with the private key staying as it is: how a renewed
// chain is told from one that needs its new key. Pure; any thread.
#pragma once

#include <string_view>

#include "dataplane/core/result.hpp"

namespace headgate::tls {

// Of the leaves; an error where one of the chains is none.
Result<bool> have_same_public_key(std::string_view chain_pem, std::string_view other_chain_pem);

}  // namespace headgate::tls
