// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/tls_table_builder.hpp"

#include <algorithm>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

// What a listener speaks over TLS, the preferred first. ClientConnection goes by Session::protocol().
const std::vector<std::string> kProtocols{"h2", "http/1.1"};

tls::ClientCertificate asked_of(contract::ClientAuth auth) {
  switch (auth) {
    case contract::ClientAuth::kNone:
      return tls::ClientCertificate::kNotAsked;
    case contract::ClientAuth::kOptional:
      return tls::ClientCertificate::kOptional;
    case contract::ClientAuth::kRequire:
      break;
  }
  return tls::ClientCertificate::kRequired;
}

}  // namespace

TlsTableBuilder::TablePtr TlsTableBuilder::apply(const contract::Delta& delta, int64_t unix_ms) {
  if (delta.base == 0) forget_objects();
  for (const auto& key : delta.removals) remove(key);
  for (const auto& upsert : delta.upserts) take(upsert);
  forget_secrets();
  update_tickets(unix_ms);
  return rebuild();
}

TlsTableBuilder::TablePtr TlsTableBuilder::add(contract::Secrets secrets, int64_t unix_ms) {
  for (auto& secret : secrets.secrets) {
    if (!material_.secrets.find(secret.digest).empty()) {
      tls::wipe(secret.bytes);
      continue;
    }
    if (auto added = material_.secrets.add(secret); !added.ok()) {
      log::warning(added.error().message);
      continue;
    }
    for (const auto& [uid, certificate] : material_.certificates)
      if (certificate->key_digest == secret.digest) material_.changed_certificates.insert(uid);
  }
  forget_secrets();
  update_tickets(unix_ms);
  return rebuild();
}

// The contexts stay for now: a full snapshot mostly says what is known already.
void TlsTableBuilder::forget_objects() {
  material_.certificates.clear();
  material_.bundles.clear();
  listeners_.clear();
  backends_.forget_pools();
  ticket_secret_.clear();
  material_.all_changed = true;
}

void TlsTableBuilder::remove(const contract::ObjectKey& key) {
  if (key.kind == contract::Kind::kCertificate && material_.certificates.erase(key.id) > 0)
    material_.changed_certificates.insert(key.id);
  if (key.kind == contract::Kind::kTrustBundle && material_.bundles.erase(key.id) > 0)
    material_.changed_bundles.insert(key.id);
  if (key.kind == contract::Kind::kPool) backends_.remove(key.id);
  if (key.kind == contract::Kind::kListener && listeners_.erase(key.id) > 0)
    changed_listeners_.insert(key.id);
}

void TlsTableBuilder::take(const contract::Upsert& upsert) {
  const auto& object = upsert.object;
  if (const auto* settings = std::get_if<contract::ShardSettings>(object.get()))
    ticket_secret_ = settings->ticket_secret;
  if (const auto* certificate = std::get_if<contract::Certificate>(object.get())) {
    material_.certificates.insert_or_assign(
        certificate->uid, std::shared_ptr<const contract::Certificate>(object, certificate));
    material_.changed_certificates.insert(certificate->uid);
  }
  if (const auto* bundle = std::get_if<contract::TrustBundle>(object.get())) {
    material_.bundles.insert_or_assign(bundle->uid,
                                       std::shared_ptr<const contract::TrustBundle>(object, bundle));
    material_.changed_bundles.insert(bundle->uid);
  }
  if (const auto* pool = std::get_if<contract::Pool>(object.get())) backends_.take({object, pool});
  const auto* listener = std::get_if<contract::Listener>(object.get());
  if (!listener) return;
  const bool was_known = listeners_.erase(listener->uid) > 0;
  // TLS ends where the listener does: a copy that the hop leads to has none.
  const bool https = listener->protocol == contract::Protocol::kHttps && listener->hop_from.empty();
  if (https) listeners_.emplace(listener->uid, std::shared_ptr<const contract::Listener>(object, listener));
  if (https || was_known) changed_listeners_.insert(listener->uid);
}

void TlsTableBuilder::update_tickets(int64_t unix_ms) {
  const auto secret = material_.secrets.find(ticket_secret_);
  const bool same = tickets_ ? tickets_->is_of(secret) : secret.empty();
  if (same) return;
  tickets_ = secret.empty() ? nullptr : std::make_shared<tls::TicketKeys>(secret, unix_ms);
  material_.all_changed = true;
}

void TlsTableBuilder::keep_current(int64_t unix_ms) {
  if (tickets_) tickets_->keep_current(unix_ms);
}

void TlsTableBuilder::forget_secrets() {
  Uids named{ticket_secret_};
  for (const auto& [uid, certificate] : material_.certificates) named.insert(certificate->key_digest);
  material_.secrets.forget_all_but(named);
}

bool TlsTableBuilder::concerned(const contract::Listener& listener) const {
  if (material_.all_changed || changed_listeners_.contains(listener.uid)) return true;
  if (!listener.tls) return false;
  if (material_.changed_bundles.contains(listener.tls->client_ca)) return true;
  return std::any_of(listener.tls->certificates.begin(), listener.tls->certificates.end(),
                     [&](const auto& uid) { return material_.changed_certificates.contains(uid); });
}

TlsTableBuilder::TablePtr TlsTableBuilder::rebuild() {
  bool changed =
      std::erase_if(served_, [&](const auto& entry) { return !listeners_.contains(entry.first); }) > 0;
  for (const auto& [uid, listener] : listeners_) {
    if (!concerned(*listener)) continue;
    serve(*listener);
    changed = true;
  }
  changed = backends_.rebuild(material_) || changed;
  changed_listeners_.clear();
  material_.settle();
  if (changed) rebuild_table();
  return table_;
}

void TlsTableBuilder::serve(const contract::Listener& listener) {
  const contract::ListenerTls settings = listener.tls.value_or(contract::ListenerTls{});
  tls::ServerPolicy policy{.listener = listener.uid,
                           .tls13_only = settings.min_version == contract::TlsVersion::kTls13,
                           .client_certificate = asked_of(settings.client_auth),
                           .client_authorities = {},
                           .alpn = kProtocols,
                           .tickets = tickets_};
  std::vector<tls::ServerCertificate> certificates;
  std::vector<std::string> problems;
  const auto bundle = material_.bundles.find(settings.client_ca);
  if (bundle != material_.bundles.end()) policy.client_authorities = bundle->second->certificates;
  for (const auto& uid : settings.certificates) {
    const auto known = material_.certificates.find(uid);
    if (known == material_.certificates.end()) {
      problems.push_back("certificate " + uid + " is not known here");
      continue;
    }
    certificates.push_back(material_.with_key(*known->second));
  }
  if (settings.certificates.empty()) problems.push_back("it names no certificate, so it serves nobody");
  auto& served = served_[listener.uid];
  auto made = tls::ServerContext::make(policy, certificates, served.context.get());
  for (auto& certificate : certificates) tls::wipe(certificate.key);
  std::move(made.problems.begin(), made.problems.end(), std::back_inserter(problems));
  for (auto& problem : problems) problem = "listener " + listener.name + ": " + problem;
  served = {std::move(made.context), std::move(problems)};
}

void TlsTableBuilder::rebuild_table() {
  std::vector<const contract::Listener*> by_name;  // as the Router: of two with one hostname the first counts
  for (const auto& [uid, listener] : listeners_) by_name.push_back(listener.get());
  std::sort(by_name.begin(), by_name.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  std::map<Endpoint, std::vector<tls::Door::Listener>> reached;
  for (const auto* listener : by_name)
    reached[{listener->address, listener->port}].push_back(
        {ascii::lowered(listener->hostname), served_.find(listener->uid)->second.context});
  auto table = std::make_shared<TlsTable>();
  for (const auto& [endpoint, listeners] : reached) {
    doors_.push_back(std::make_shared<const tls::Door>(listeners));
    table->doors.emplace(endpoint, doors_.back());
  }
  table->backends = backends_.by_pool();
  table_ = std::move(table);
}

void TlsTableBuilder::reclaim() {
  std::erase_if(doors_, [](const auto& door) { return door.use_count() == 1; });
  backends_.reclaim();
}

std::string TlsTableBuilder::problems() const {
  std::string text;
  std::size_t count = 0;
  const auto name = [&](const std::string& problem) {
    if (++count <= limits::kProblemsNamedMax) text += (text.empty() ? "" : "; ") + problem;
  };
  for (const auto& [uid, served] : served_)
    for (const auto& problem : served.problems) name(problem);
  for (const auto& [uid, problem] : backends_.problems()) name(problem);
  if (count > limits::kProblemsNamedMax)
    text += "; and " + std::to_string(count - limits::kProblemsNamedMax) + " more";
  return text;
}

}  // namespace headgate::shard
