// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/tokens.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/core/limits.hpp"
#include "mgmt/auth/secret.hpp"
#include "mgmt/compile/parse.hpp"
#include "mgmt/handlers/write_answer.hpp"

namespace headgate::handlers {
namespace {

Json token_json(const db::Token& token) {
  Json json{{"name", token.name}, {"role", db::name_of(token.role)}};
  if (!token.namespaces.empty()) json["namespaces"] = token.namespaces;
  if (token.expires_at_ms) json["expires_at"] = format_time(*token.expires_at_ms);
  json["meta"] = {{"uid", token.uid},
                  {"generation", token.generation},
                  {"created_at", format_time(token.created_at_ms)},
                  {"updated_at", format_time(token.updated_at_ms)}};
  return json;
}

struct ReadToken {
  db::Token token;
  std::vector<http::ProblemError> errors;
};

ReadToken read_token(const nlohmann::json& body, const std::string& name) {
  ReadToken read;
  read.token.name = name;
  read.token.role = *db::role_of_name(body["role"].get<std::string>());
  if (body.contains("namespaces")) read.token.namespaces = body["namespaces"].get<std::vector<std::string>>();
  if (!compile::is_valid_name(name))
    read.errors.push_back(
        {"/name", "invalid_value", "A name is up to 63 of a-z, 0-9 and - (not first or last)."});
  if (body.contains("name") && body["name"] != name)
    read.errors.push_back({"/name", "mismatch", fmt::format("The path says {}.", name)});
  const bool is_editor = read.token.role == db::Role::kEditor;
  if (is_editor == read.token.namespaces.empty())
    read.errors.push_back({"/namespaces", is_editor ? "missing_field" : "unknown_field",
                           "An editor has namespaces, and only an editor."});
  if (body.contains("expires_at")) {
    read.token.expires_at_ms = parse_time(body["expires_at"].get<std::string>());
    if (!read.token.expires_at_ms)
      read.errors.push_back(
          {"/expires_at", "invalid_value", "There is no such time; write 2027-01-31T00:00:00Z."});
  }
  return read;
}

bool is_lasting_admin(const db::Token& token) {
  return token.role == db::Role::kAdmin && !token.expires_at_ms;
}

// Without an admin that never expires, nobody could make tokens one day.
Result<bool> is_last_admin(db::Reader& reader, const std::string& name) {
  auto tokens = reader.tokens();
  if (!tokens.ok()) return std::move(tokens).error();
  const auto is_other = [&](const db::Token& token) { return token.name != name && is_lasting_admin(token); };
  const auto is_it = [&](const db::Token& token) { return token.name == name && is_lasting_admin(token); };
  return std::any_of(tokens->begin(), tokens->end(), is_it) &&
         std::none_of(tokens->begin(), tokens->end(), is_other);
}

http::Problem last_admin() {
  return {409, "This is the last admin token that never expires; make another first.", {}, {}};
}

http::Problem no_token(const std::string& name) {
  return {404, fmt::format("There is no token {}.", name), {}, {}};
}

// Creates or replaces, after what the request's conditions say of the token that is there now.
void store_token(const ExchangePtr& exchange, const std::string& name, bool must_be_new) {
  auto read = read_token(exchange->body, name);
  if (!read.errors.empty()) {
    const auto detail = fmt::format("The body has {} fault(s); nothing was stored.", read.errors.size());
    return exchange->problem({422, detail, std::move(read.errors), {}});
  }
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto now = reader->token(name);
  if (!now.ok()) return exchange->storage_failed(now.error());
  if (must_be_new && *now)
    return exchange->problem({409,
                              fmt::format("The token {} exists; PUT replaces it.", name),
                              {{"/name", "exists", "A token with this name exists."}},
                              {}});
  const auto generation = *now ? std::optional((*now)->generation) : std::nullopt;
  if (const auto problem = check_conditions(conditions_of(exchange->request), generation))
    return exchange->problem(*problem);
  if (*now && !is_lasting_admin(read.token)) {
    const auto is_last = is_last_admin(*reader, name);
    if (!is_last.ok()) return exchange->storage_failed(is_last.error());
    if (*is_last) return exchange->problem(last_admin());
  }
  std::optional<std::string> secret;
  if (!*now) secret = auth::new_secret();
  db::Precondition unchanged;
  unchanged.must_not_exist = !*now;
  unchanged.revision = generation;
  const auto stored = exchange->service.store().put_token(
      exchange->principal.author(), read.token,
      secret ? std::optional(auth::digest_of(*secret)) : std::nullopt, unchanged);
  if (!stored.ok() && stored.error().code == ErrorCode::kConflict)
    return exchange->problem(
        {409, "Somebody else changed this token at the same moment; try again.", {}, {}});
  if (!stored.ok()) return exchange->storage_failed(stored.error());
  auto answer = token_json(*stored);
  if (secret) answer["secret"] = *secret;
  exchange->json(secret ? 201 : 200, answer,
                 {{"ETag", etag_of(stored->generation)}, {"Cache-Control", "no-store"}});
}

}  // namespace

void create_token(const ExchangePtr& exchange) {
  if (!exchange->body.contains("name"))
    return exchange->problem({422,
                              "The body has 1 fault(s); nothing was stored.",
                              {{"/name", "missing_field", "The field name is needed."}},
                              {}});
  store_token(exchange, exchange->body["name"].get<std::string>(), true);
}

void put_token(const ExchangePtr& exchange) { store_token(exchange, exchange->parameter("name"), false); }

void get_token(const ExchangePtr& exchange) {
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto token = reader->token(exchange->parameter("name"));
  if (!token.ok()) return exchange->storage_failed(token.error());
  if (!*token) return exchange->problem(no_token(exchange->parameter("name")));
  exchange->json(200, token_json(**token), {{"ETag", etag_of((*token)->generation)}});
}

void list_tokens(const ExchangePtr& exchange) {
  uint64_t limit = 100;
  if (const auto problem = read_number(exchange->request, "limit", 1, limits::kApiListMax, limit))
    return exchange->problem(*problem);
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  auto tokens = reader->tokens();
  if (!tokens.ok()) return exchange->storage_failed(tokens.error());
  std::erase_if(*tokens,
                [&](const db::Token& token) { return token.name <= exchange->request.parameter("cursor"); });
  std::sort(tokens->begin(), tokens->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  Json page{{"items", Json::array()}};
  for (std::size_t i = 0; i < std::min<std::size_t>(limit, tokens->size()); ++i)
    page["items"].push_back(token_json((*tokens)[i]));
  if (tokens->size() > limit) page["next_cursor"] = (*tokens)[limit - 1].name;
  exchange->json(200, page);
}

void delete_token(const ExchangePtr& exchange) {
  const auto& name = exchange->parameter("name");
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  const auto now = reader->token(name);
  if (!now.ok()) return exchange->storage_failed(now.error());
  const auto generation = *now ? std::optional((*now)->generation) : std::nullopt;
  if (const auto problem = check_conditions(conditions_of(exchange->request), generation))
    return exchange->problem(*problem);
  if (!*now) return exchange->problem(no_token(name));
  const auto is_last = is_last_admin(*reader, name);
  if (!is_last.ok()) return exchange->storage_failed(is_last.error());
  if (*is_last) return exchange->problem(last_admin());
  db::Precondition unchanged;
  unchanged.revision = generation;
  const auto removed = exchange->service.store().remove_token(exchange->principal.author(), name, unchanged);
  if (!removed.ok() && removed.error().code == ErrorCode::kNotFound) return exchange->problem(no_token(name));
  if (!removed.ok() && removed.error().code == ErrorCode::kConflict)
    return exchange->problem(
        {409, "Somebody else changed this token at the same moment; try again.", {}, {}});
  if (!removed.ok()) return exchange->storage_failed(removed.error());
  exchange->respond({204, {}, "", ""});
}

}  // namespace headgate::handlers
