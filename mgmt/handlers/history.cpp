// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/history.hpp"

#include <charconv>
#include <limits>

#include "dataplane/core/limits.hpp"

namespace headgate::handlers {
namespace {

constexpr uint64_t kPageDefault = 100;
constexpr uint64_t kNumberMax = std::numeric_limits<int64_t>::max();

struct Page {
  uint64_t limit = kPageDefault;
  std::optional<uint64_t> before;
};

std::optional<http::Problem> read_page(const http::Request& request, Page& page) {
  if (auto problem = read_number(request, "limit", 1, limits::kApiListMax, page.limit)) return problem;
  uint64_t before = 0;
  if (auto problem = read_number(request, "cursor", 1, kNumberMax, before)) return problem;
  if (before > 0) page.before = before;
  return std::nullopt;
}

Json revision_json(const db::RevisionInfo& info) {
  return {{"revision", info.revision},
          {"created_at", format_time(info.created_at_ms)},
          {"author", info.author},
          {"summary", info.summary}};
}

Json change_json(const db::Object& object) {
  Json json{{"verb", !object.body                  ? "delete"
                     : object.meta.generation == 1 ? "create"
                                                   : "update"},
            {"kind", db::name_of(object.key.kind)}};
  if (!object.key.namespace_name.empty()) json["namespace"] = object.key.namespace_name;
  json["name"] = object.key.name;
  json["uid"] = object.meta.uid;
  json["generation"] = object.meta.generation;
  if (object.body) json["body"] = Json::parse(*object.body);
  return json;
}

}  // namespace

void list_revisions(const ExchangePtr& exchange) {
  Page page;
  if (const auto problem = read_page(exchange->request, page)) return exchange->problem(*problem);
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto revisions = reader->revisions(page.before, page.limit + 1);
  if (!revisions.ok()) return exchange->storage_failed(revisions.error());
  Json answer{{"items", Json::array()}};
  for (std::size_t i = 0; i < std::min<std::size_t>(page.limit, revisions->size()); ++i)
    answer["items"].push_back(revision_json((*revisions)[i]));
  if (revisions->size() > page.limit)
    answer["next_cursor"] = std::to_string((*revisions)[page.limit - 1].revision);
  exchange->json(200, answer, {{"ETag", etag_of(revisions->empty() ? 0 : revisions->front().revision)}});
}

void get_revision(const ExchangePtr& exchange) {
  const auto& text = exchange->parameter("number");
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number =
      parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && number <= kNumberMax;
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto info = is_number ? reader->revision_info(number) : std::optional<db::RevisionInfo>();
  if (!info.ok()) return exchange->storage_failed(info.error());
  if (!*info) return exchange->problem({404, "There is no such revision.", {}, {}});
  const auto changed = reader->changed_in(number);
  if (!changed.ok()) return exchange->storage_failed(changed.error());
  auto answer = revision_json(**info);
  answer["changes"] = Json::array();
  for (const auto& object : *changed) answer["changes"].push_back(change_json(object));
  exchange->json(200, answer, {{"ETag", etag_of(number)}});
}

void list_audit(const ExchangePtr& exchange) {
  Page page;
  if (const auto problem = read_page(exchange->request, page)) return exchange->problem(*problem);
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto entries = reader->audit(page.before, page.limit + 1);
  if (!entries.ok()) return exchange->storage_failed(entries.error());
  Json answer{{"items", Json::array()}};
  for (std::size_t i = 0; i < std::min<std::size_t>(page.limit, entries->size()); ++i) {
    const auto& entry = (*entries)[i];
    Json json{{"number", entry.number}, {"at", format_time(entry.at_ms)},
              {"author", entry.author}, {"verb", entry.verb},
              {"kind", entry.kind},     {"name", entry.name}};
    if (!entry.namespace_name.empty()) json["namespace"] = entry.namespace_name;
    if (entry.revision) json["revision"] = *entry.revision;
    answer["items"].push_back(std::move(json));
  }
  if (entries->size() > page.limit) answer["next_cursor"] = std::to_string((*entries)[page.limit - 1].number);
  exchange->json(200, answer, {{"ETag", etag_of(entries->empty() ? 0 : entries->front().number)}});
}

}  // namespace headgate::handlers
