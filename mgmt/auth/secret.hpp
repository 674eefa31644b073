// SPDX-License-Identifier: Apache-2.0
// Secret: 256 random bits as text, shown once; kept is only its SHA-256. Because the bits are random, a plain
// digest is enough: there is nothing to guess, and an index may be searched by it without telling anything of
// the secret by its timing. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate::auth {

std::string new_secret();  // "hg_" and 43 characters of base64url
std::string digest_of(std::string_view secret);

}  // namespace headgate::auth
