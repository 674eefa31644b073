// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: compile contract
// Bodies of configured resources, from users: the first byte chooses the kind, the rest is the body. Whatever
// is accepted compiles among other objects, and what comes of it survives the wire as it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/assert.hpp"
#include "mgmt/compile/check.hpp"
#include "mgmt/compile/compile_all.hpp"
#include "mgmt/compile/parse.hpp"

using namespace headgate;
using namespace headgate::compile;

namespace {

void put(Model& model, const db::ObjectKey& key, std::string_view body) {
  auto parsed = parse_resource(key, body);
  HG_ASSERT(parsed.resource.has_value() ==
            std::all_of(parsed.problems.begin(), parsed.problems.end(),
                        [](const compile::Problem& problem) { return problem.pointless; }));
  if (!parsed.resource) return;
  db::ObjectMeta meta;
  meta.uid = key.to_string();
  model.put(
      {.key = key, .meta = meta, .resource = std::make_shared<const Resource>(*std::move(parsed.resource))});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size_bytes) {
  if (size_bytes == 0) return 0;
  Model model;
  put(model, {db::Kind::kNode, "", "n"}, "{}");
  put(model, {db::Kind::kShard, "", "s"}, "{}");
  put(model, {db::Kind::kNamespace, "", "a"}, "{}");
  put(model, {db::Kind::kListener, "", "l"}, R"({"address":"192.0.2.1","port":80,"shard":"s"})");
  put(model, {db::Kind::kPool, "a", "p"}, "{}");
  put(model, {db::Kind::kRoute, "a", "r"}, R"({"listeners":["l"],"rules":[{"forward":[{"pool":"p"}]}]})");
  const auto kind = db::kKinds[data[0] % db::kKinds.size()];
  constexpr std::string_view kNames = "nslarpct";
  const db::ObjectKey key{kind, db::in_namespace(kind) ? "a" : "",
                          std::string(1, kNames[data[0] % kNames.size()])};
  put(model, key, {reinterpret_cast<const char*>(data) + 1, size_bytes - 1});
  for (const auto& problem : check(model, {key})) HG_ASSERT(!problem.code.empty() && !problem.detail.empty());
  for (const auto& [node, snapshot] : compile_all(model, {}, 1)) {
    const auto delta = contract::decode_delta(contract::encode(contract::full(snapshot)));
    HG_ASSERT(delta.ok());
    contract::Snapshot copy;
    HG_ASSERT(contract::apply(copy, *delta).ok() && copy == snapshot);
  }
  return 0;
}
