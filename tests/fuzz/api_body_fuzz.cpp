// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: openapi compile
// A request body on its way in: JSON, the document's schema, the typed resource. Nothing crashes; every error
// has a place that exists or is missing in the body; and what the document takes, the resource's parser knows
// all fields of.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/openapi/api_document.hpp"
#include "mgmt/openapi/json_text.hpp"

using namespace headgate;
using Json = nlohmann::json;

namespace {

constexpr std::array<const char*, 8> kSchemas{"Node",  "Shard", "Listener",    "Namespace",
                                              "Route", "Pool",  "Certificate", "Secret"};

void check_places(const std::vector<http::ProblemError>& errors, const Json& body) {
  HG_ASSERT(errors.size() <= limits::kApiErrorsMax);
  for (const auto& error : errors) {
    HG_ASSERT(!error.code.empty() && !error.detail.empty());
    const Json::json_pointer pointer(error.pointer);
    HG_ASSERT(body.contains(pointer) || error.code == "missing_field");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size_bytes) {
  static const openapi::ApiDocument kDocument;
  Json body;
  if (openapi::parse_json({reinterpret_cast<const char*>(data), size_bytes}, {10'000}, body)) return 0;
  check_places(kDocument.check("Config", body), body);
  check_places(kDocument.check("Token", body), body);
  for (std::size_t i = 0; i < kSchemas.size(); ++i) {
    const auto errors = kDocument.check(kSchemas[i], body);
    check_places(errors, body);
    if (!errors.empty()) continue;
    Json stored = body;
    for (const char* key : {"name", "namespace", "meta", "status"}) stored.erase(key);
    const auto kind = db::kKinds[i];
    const auto parsed =
        compile::parse_resource({kind, db::in_namespace(kind) ? "default" : "", "x"}, stored.dump());
    HG_ASSERT(parsed.resource.has_value() ==
              std::all_of(parsed.problems.begin(), parsed.problems.end(),
                          [](const compile::Problem& problem) { return problem.pointless; }));
    // Whether a field is needed may hang on another one, which is compile's to know.
    for (const auto& problem : parsed.problems)
      HG_ASSERT(problem.code != "unknown_field" && problem.code != "wrong_type");
  }
  return 0;
}
