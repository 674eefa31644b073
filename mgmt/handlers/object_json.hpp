// SPDX-License-Identifier: Apache-2.0
// A configured object as REST shows it, and what of a body REST keeps: what the user wrote, without what the
// URL and headgated say. Pure, but for the look at who serves it; any thread.
#pragma once

#include <string>

#include "db/store/object.hpp"
#include "mgmt/handlers/exchange.hpp"
#include "mgmt/service/acknowledgements.hpp"

namespace headgate::handlers {

// With meta and status.
Json object_json(const db::Object& object, const service::Acknowledgements& acknowledgements);
// As it stands in /v1/config: its names and what was written.
Json config_json(const db::Object& object);
// What its author wrote and may read again, to be changed and written back.
nlohmann::json written_body(const db::Object& object);
// The text that is stored, once what is write-only has left it. The same fields and values give the same
// text, in whichever order they came.
std::string stored_body(nlohmann::json body);

Json missing_json(const std::vector<service::Missing>& missing);
// What a write did or would do: verb, names and an RFC 6902 patch from the old to the new body.
Json changes_json(const service::Written& written);

}  // namespace headgate::handlers
