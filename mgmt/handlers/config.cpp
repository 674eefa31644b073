// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/config.hpp"

#include <map>

#include <fmt/format.h>

#include "dataplane/core/limits.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/handlers/object_json.hpp"
#include "mgmt/handlers/write_answer.hpp"

namespace headgate::handlers {
namespace {

constexpr const char* kDefaultNamespace = "default";

struct Wanted {
  std::string place;  // pointer in the document
  std::string body;
};
using WantedObjects = std::map<db::ObjectKey, Wanted>;

// The document's objects by key; errors where one has no name or two have the same.
std::vector<http::ProblemError> read_config(nlohmann::json document, WantedObjects& wanted) {
  std::vector<http::ProblemError> errors;
  for (const auto kind : db::kKinds) {
    const std::string plural(db::plural_of(kind));
    if (!document.contains(plural)) continue;
    auto& list = document[plural];
    for (std::size_t i = 0; i < list.size() && errors.size() < limits::kApiErrorsMax; ++i) {
      const auto place = fmt::format("/{}/{}", plural, i);
      if (!list[i].contains("name")) {
        errors.push_back({place + "/name", "missing_field", "The field name is needed."});
        continue;
      }
      db::ObjectKey key{kind, "", list[i]["name"].get<std::string>()};
      if (db::in_namespace(kind)) key.namespace_name = list[i].value("namespace", kDefaultNamespace);
      if (db::in_any_place(kind)) key.namespace_name = list[i].value("namespace", "");
      const auto [other, is_new] = wanted.try_emplace(key, Wanted{place, ""});
      if (!is_new) {
        errors.push_back({place + "/name", "duplicate",
                          fmt::format("{} stands at {} as well.", key.to_string(), other->second.place)});
        continue;
      }
      other->second.body = stored_body(std::move(list[i]));
    }
  }
  return errors;
}

// From what is there to what is wanted.
service::Proposed propose_config(const Exchange& exchange, db::Reader& reader, const WantedObjects& wanted) {
  const auto revision = reader.revision();
  if (auto problem = check_conditions(conditions_of(exchange.request), revision)) return std::move(*problem);
  std::vector<compile::ProposedChange> changes;
  std::set<db::ObjectKey> unchanged;
  const auto walked = reader.each_object([&](db::Object object) {
    const auto found = wanted.find(object.key);
    if (found == wanted.end()) {
      changes.push_back({object.key, std::nullopt, {}});
    } else if (found->second.body == object.body) {
      unchanged.insert(object.key);
    }
  });
  if (!walked.ok())
    return http::Problem{503, "The database did not answer: " + walked.error().message, {}, {}};
  for (const auto& [key, object] : wanted)
    if (!unchanged.contains(key)) changes.push_back({key, object.body, {}});
  return changes;
}

}  // namespace

void get_config(const ExchangePtr& exchange) {
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto revision = reader->revision();
  Json document = Json::object();
  for (const auto kind : db::kKinds) document[std::string(db::plural_of(kind))] = Json::array();
  const auto walked = reader->each_object([&](const db::Object& object) {
    document[std::string(db::plural_of(object.key.kind))].push_back(config_json(object));
  });
  if (!walked.ok()) return exchange->storage_failed(walked.error());
  exchange->json(200, document, {{"ETag", etag_of(revision)}});
}

void put_config(const ExchangePtr& exchange) {
  auto wanted = std::make_shared<WantedObjects>();
  auto errors = read_config(std::move(exchange->body), *wanted);
  if (!errors.empty())
    return exchange->problem({422,
                              fmt::format("The document has {} fault(s); nothing was stored.", errors.size()),
                              std::move(errors),
                              {}});
  // Always there, also when a document is silent about it.
  wanted->try_emplace({db::Kind::kNamespace, "", kDefaultNamespace}, Wanted{"", "{}"});

  service::WriteRequest request;
  if (const auto problem = read_write_options(exchange->request, request)) return exchange->problem(*problem);
  request.author = exchange->principal.author();
  request.summary = "PUT /v1/config";
  request.propose = [exchange, wanted](db::Reader& reader) {
    return propose_config(*exchange, reader, *wanted);
  };
  const bool dry_run = request.dry_run;
  exchange->service.write(
      std::move(request), [exchange, wanted, dry_run](const service::WriteOutcome& outcome) {
        const auto place_of = [&](const db::ObjectKey& object) {
          const auto found = wanted->find(object);
          return found == wanted->end() ? std::nullopt : std::optional(found->second.place);
        };
        answer_changes(*exchange, place_of, dry_run, outcome);
      });
}

}  // namespace headgate::handlers
