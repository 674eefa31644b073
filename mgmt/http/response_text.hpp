// SPDX-License-Identifier: Apache-2.0
// A Response as the bytes of HTTP/1.1. Pure; any thread.
#pragma once

#include <string>

#include "mgmt/http/message.hpp"

namespace headgate::http {

struct ResponseForm {
  bool head_only = false;  // an answer to HEAD: the length of the body, not the body
  bool close = false;      // no further exchange on this connection
};

std::string to_text(const Response& response, ResponseForm form);

}  // namespace headgate::http
