// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/operation.hpp"

#include "mgmt/handlers/authority.hpp"
#include "mgmt/handlers/capture.hpp"
#include "mgmt/handlers/config.hpp"
#include "mgmt/handlers/explain.hpp"
#include "mgmt/handlers/history.hpp"
#include "mgmt/handlers/metrics.hpp"
#include "mgmt/handlers/nodes.hpp"
#include "mgmt/handlers/objects.hpp"
#include "mgmt/handlers/readiness.hpp"
#include "mgmt/handlers/restart.hpp"
#include "mgmt/handlers/status.hpp"
#include "mgmt/handlers/tokens.hpp"
#include "mgmt/handlers/transaction.hpp"

namespace headgate::handlers {
namespace {

using auth::Access;
using db::Kind;

#define HG_OBJECTS(collection, kind, read, write)                                                 \
  {"GET", collection, read, list_objects, kind}, {"POST", collection, write, write_object, kind}, \
      {"GET", collection "/{name}", read, get_object, kind},                                      \
      {"PUT", collection "/{name}", write, write_object, kind},                                   \
      {"PATCH", collection "/{name}", write, write_object, kind}, {                               \
    "DELETE", collection "/{name}", write, write_object, kind                                     \
  }

constexpr Operation kOperations[] = {
    HG_OBJECTS("/v1/nodes", Kind::kNode, Access::kRead, Access::kWriteEverything),
    HG_OBJECTS("/v1/shards", Kind::kShard, Access::kRead, Access::kWriteEverything),
    HG_OBJECTS("/v1/listeners", Kind::kListener, Access::kRead, Access::kWriteEverything),
    HG_OBJECTS("/v1/namespaces", Kind::kNamespace, Access::kRead, Access::kWriteEverything),
    HG_OBJECTS("/v1/namespaces/{namespace}/routes", Kind::kRoute, Access::kReadNamespace,
               Access::kWriteNamespace),
    HG_OBJECTS("/v1/namespaces/{namespace}/pools", Kind::kPool, Access::kReadNamespace,
               Access::kWriteNamespace),
    HG_OBJECTS("/v1/certificates", Kind::kCertificate, Access::kRead, Access::kWriteEverything),
    HG_OBJECTS("/v1/namespaces/{namespace}/certificates", Kind::kCertificate, Access::kReadNamespace,
               Access::kWriteNamespace),
    HG_OBJECTS("/v1/secrets", Kind::kSecret, Access::kReadAll, Access::kWriteEverything),
    HG_OBJECTS("/v1/namespaces/{namespace}/secrets", Kind::kSecret, Access::kReadNamespace,
               Access::kWriteNamespace),
    HG_OBJECTS("/v1/policies", Kind::kPolicy, Access::kRead, Access::kWriteEverything),
    HG_OBJECTS("/v1/namespaces/{namespace}/policies", Kind::kPolicy, Access::kReadNamespace,
               Access::kWriteNamespace),
    {"GET", "/v1/tokens", Access::kAdminister, list_tokens, {}},
    {"POST", "/v1/tokens", Access::kAdminister, create_token, {}},
    {"GET", "/v1/tokens/{name}", Access::kAdminister, get_token, {}},
    {"PUT", "/v1/tokens/{name}", Access::kAdminister, put_token, {}},
    {"DELETE", "/v1/tokens/{name}", Access::kAdminister, delete_token, {}},
    {"GET", "/v1/config", Access::kReadAll, get_config, {}},
    {"PUT", "/v1/config", Access::kWriteEverything, put_config, {}},
    {"POST", "/v1/transactions", Access::kRead, post_transaction, {}},  // each operation asks for its own
    {"POST", "/v1/shards/{name}/restart", Access::kWriteEverything, post_restart, {}},
    {"POST", "/v1/explain", Access::kReadAll, post_explain, {}},
    {"POST", "/v1/captures", Access::kAdminister, post_capture, {}},  // payloads are what people say
    {"GET", "/v1/revisions", Access::kReadAll, list_revisions, {}},
    {"GET", "/v1/revisions/{number}", Access::kReadAll, get_revision, {}},
    {"GET", "/v1/audit", Access::kWriteEverything, list_audit, {}},
    {"GET", "/v1/status", Access::kRead, get_status, {}},
    {"GET", "/v1/stats", Access::kReadAll, get_stats, {}},
    {"GET", "/metrics", Access::kReadAll, get_metrics, {}},
    {"GET", "/v1/openapi.json", Access::kRead, get_openapi, {}},
    {"GET", "/v1/ca", Access::kAnyone, get_authority, {}},
    {"GET", "/healthz", Access::kAnyone, get_healthz, {}},
    {"GET", "/readyz", Access::kAnyone, get_readyz, {}},
    {"POST", "/v1/nodes/{name}/enrolment", Access::kWriteEverything, create_enrolment, {}},
    {"POST", "/v1/enroll", Access::kAnyone, enroll, {}},
    {"GET", "/v1/nodes/{name}/delta", Access::kNode, get_delta, {}},
    {"POST", "/v1/nodes/{name}/report", Access::kNode, take_report, {}},
    {"POST", "/v1/nodes/{name}/secrets", Access::kNode, send_secrets, {}},
};
#undef HG_OBJECTS

// True where the path has the template's shape.
bool fits(std::string_view path_template, const std::vector<std::string>& segments,
          std::map<std::string, std::string>& parameters) {
  parameters.clear();
  for (const auto& segment : segments) {
    if (path_template.empty()) return false;
    path_template.remove_prefix(1);  // the slash
    const auto part = path_template.substr(0, path_template.find('/'));
    path_template.remove_prefix(part.size());
    if (part.starts_with('{')) {
      if (segment.empty()) return false;
      parameters.emplace(part.substr(1, part.size() - 2), segment);
    } else if (part != segment) {
      return false;
    }
  }
  return path_template.empty();
}

}  // namespace

std::span<const Operation> operations() { return kOperations; }

Match match(std::string_view method, const std::vector<std::string>& segments) {
  if (method == "HEAD") method = "GET";
  Match match;
  std::map<std::string, std::string> parameters;
  for (const auto& operation : kOperations) {
    if (!fits(operation.path_template, segments, parameters)) continue;
    match.allowed.append(match.allowed.empty() ? "" : ", ").append(operation.method);
    if (operation.method != method) continue;
    match.operation = &operation;
    match.parameters = parameters;
  }
  return match;
}

}  // namespace headgate::handlers
