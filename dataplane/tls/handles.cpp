// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/handles.hpp"

#include <openssl/err.h>

namespace headgate::tls {

std::string take_openssl_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason ? reason : "no reason given";
  ERR_clear_error();
  return text;
}

}  // namespace headgate::tls
