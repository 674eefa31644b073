// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/objects.hpp"

#include <fmt/format.h>

#include "dataplane/core/limits.hpp"
#include "mgmt/handlers/object_json.hpp"
#include "mgmt/handlers/object_write.hpp"
#include "mgmt/handlers/operation.hpp"
#include "mgmt/handlers/write_answer.hpp"

namespace headgate::handlers {
namespace {

db::ObjectKey key_in_path(const Exchange& exchange) {
  return key_of(*exchange.operation->kind, exchange.parameters, exchange.body);
}

// What stands in no namespace stands nowhere: 404 for the path, not a fault of the body.
std::optional<http::Problem> check_namespace(db::Reader& reader, const db::ObjectKey& key) {
  if (key.namespace_name.empty()) return std::nullopt;
  const db::ObjectKey space{db::Kind::kNamespace, "", key.namespace_name};
  const auto found = reader.get(space);
  if (!found.ok()) return http::Problem{503, "The database did not answer: " + found.error().message, {}, {}};
  if (*found) return std::nullopt;
  return not_found(space);
}

// From an outcome to the answer; `key` is what the request was about.
void answer_write(const Exchange& exchange, const db::ObjectKey& key, bool dry_run,
                  service::WriteOutcome outcome) {
  if (const auto* problem = std::get_if<http::Problem>(&outcome)) return exchange.problem(*problem);
  if (const auto* refusal = std::get_if<service::Refusal>(&outcome)) {
    return exchange.problem(refusal_problem(*refusal, [&](const db::ObjectKey& object) {
      return object == key ? std::optional<std::string>("") : std::nullopt;
    }));
  }
  const auto& written = std::get<service::Written>(outcome);
  auto headers = revision_header(written.revision);
  if (dry_run)
    return exchange.json(200, {{"dry_run", true}, {"changes", changes_json(written)}}, std::move(headers));

  const bool is_delete = exchange.request.method == "DELETE";
  Json object;
  int status = is_delete ? 204 : 200;
  if (!is_delete) {
    auto reader = exchange.service.reader();
    if (!reader.ok()) return exchange.storage_failed(reader.error());
    auto stored = reader->get(key);
    if (!stored.ok()) return exchange.storage_failed(stored.error());
    if (!*stored) return exchange.problem({409, key.to_string() + " was deleted meanwhile.", {}, {}});
    object = object_json(**stored, exchange.service.acknowledgements());
    headers.emplace_back("ETag", etag_of((*stored)->meta.revision));
    if (!written.before.empty() && !written.before[0]) {
      status = 201;
      headers.emplace_back("Location", path_of(key));
    }
  }
  if (!written.missing.empty()) {
    Json body{{"revision", written.revision}, {"applied", false}, {"missing", missing_json(written.missing)}};
    if (!is_delete) body["object"] = std::move(object);
    return exchange.json(202, body, std::move(headers));
  }
  if (is_delete) return exchange.respond({204, std::move(headers), "", ""});
  exchange.json(status, object, std::move(headers));
}

}  // namespace

void write_object(const ExchangePtr& exchange) {
  const auto write = std::make_shared<const ObjectWrite>(
      ObjectWrite{exchange->request.method, std::string(exchange->operation->path_template),
                  key_in_path(*exchange), exchange->body, conditions_of(exchange->request)});
  if (auto errors = faults_of(*write); !errors.empty()) return exchange->problem(faults(std::move(errors)));
  service::WriteRequest request;
  if (const auto problem = read_write_options(exchange->request, request)) return exchange->problem(*problem);
  request.author = exchange->principal.author();
  request.summary = write->method + " " + path_of(write->key);
  request.propose = [exchange, write](db::Reader& reader) -> service::Proposed {
    if (auto problem = check_namespace(reader, write->key)) return std::move(*problem);
    const auto now = reader.get(write->key);
    if (!now.ok()) return http::Problem{503, "The database did not answer: " + now.error().message, {}, {}};
    auto decided = decide(*write, *now, exchange->document);
    if (auto* problem = std::get_if<http::Problem>(&decided)) return std::move(*problem);
    return std::vector{std::move(std::get<compile::ProposedChange>(decided))};
  };
  const bool dry_run = request.dry_run;
  exchange->service.write(std::move(request), [exchange, write, dry_run](service::WriteOutcome outcome) {
    answer_write(*exchange, write->key, dry_run, std::move(outcome));
  });
}

void get_object(const ExchangePtr& exchange) {
  const auto key = key_in_path(*exchange);
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto object = reader->get(key);
  if (!object.ok()) return exchange->storage_failed(object.error());
  if (!*object) return exchange->problem(not_found(key));
  const auto etag = etag_of((*object)->meta.revision);
  if (exchange->request.header("if-none-match") == etag)
    return exchange->respond({304, {{"ETag", etag}}, "", ""});
  exchange->json(200, object_json(**object, exchange->service.acknowledgements()), {{"ETag", etag}});
}

namespace {

// "a=1,b=2"; false where it is none.
bool read_labels(std::string_view text, std::vector<db::LabelRequirement>& labels) {
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto one = text.substr(0, end);
    const auto equals = one.find('=');
    if (equals == 0 || equals == std::string_view::npos) return false;
    labels.push_back({std::string(one.substr(0, equals)), std::string(one.substr(equals + 1))});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

void list_objects(const ExchangePtr& exchange) {
  db::ListQuery query;
  query.kind = *exchange->operation->kind;
  query.namespace_name = key_in_path(*exchange).namespace_name;
  uint64_t limit = query.limit;
  if (const auto problem = read_number(exchange->request, "limit", 1, limits::kApiListMax, limit))
    return exchange->problem(*problem);
  query.limit = limit + 1;  // one more: whether there is a next page
  if (!read_labels(exchange->request.parameter("labels"), query.labels))
    return exchange->problem({400, "The query parameter labels must be like key=value,key=value.", {}, {}});
  if (const auto cursor = exchange->request.parameter("cursor"); !cursor.empty())
    query.after = {query.namespace_name.value_or(""), std::string(cursor)};

  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  if (const auto problem = check_namespace(*reader, {query.kind, query.namespace_name.value_or(""), ""}))
    return exchange->problem(*problem);
  const auto revision = reader->revision();
  const auto objects = reader->list(query);
  if (!objects.ok()) return exchange->storage_failed(objects.error());
  Json page{{"items", Json::array()}};
  for (std::size_t i = 0; i < std::min<std::size_t>(limit, objects->size()); ++i)
    page["items"].push_back(object_json((*objects)[i], exchange->service.acknowledgements()));
  if (objects->size() > limit) page["next_cursor"] = (*objects)[limit - 1].key.name;
  exchange->json(200, page, {{"ETag", etag_of(revision)}});
}

}  // namespace headgate::handlers
