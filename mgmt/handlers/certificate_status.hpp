// SPDX-License-Identifier: Apache-2.0
// What headgated says of a certificate or secret beside what its author wrote: whom it names, until when it
// holds, the digest of what is write-only. Never what is write-only itself. Any thread.
#pragma once

#include "db/store/object.hpp"
#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void add_certificate_status(const db::Object& object, Json& status);
void add_secret_status(const db::Object& object, Json& status);

}  // namespace headgate::handlers
