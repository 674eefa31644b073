// SPDX-License-Identifier: Apache-2.0
// What routes and listeners use, which is the same in every shard where they do: pools, policies,
// certificates, authorities.
#include "mgmt/compile/build.hpp"

namespace headgate::compile {
namespace {

std::string qualified_name(const db::ObjectKey& key) {
  return key.namespace_name.empty() ? key.name : key.namespace_name + "/" + key.name;
}

// What is missing is named all the same: nothing named means the system's authorities, or no certificate.
std::string uid_named(const Model& model, db::Kind kind, const std::optional<ObjectRef>& reference) {
  if (!reference) return {};
  const auto key = key_of(kind, *reference);
  const auto* entry = model.find(key);
  return entry ? entry->meta.uid : "missing " + qualified_name(key);
}

std::optional<contract::PoolTls> build_pool_tls(const Model& model, const Pool& pool) {
  if (!pool.tls) return std::nullopt;
  return contract::PoolTls{.mode = pool.tls->mode,
                           .server_name = pool.tls->server_name,
                           .subject_alt_names = pool.tls->subject_alt_names,
                           .ca = uid_named(model, db::Kind::kSecret, pool.tls->ca),
                           .certificate = uid_named(model, db::Kind::kCertificate, pool.tls->certificate),
                           .min_version = pool.tls->min_version,
                           .max_version = pool.tls->max_version};
}

contract::Object build_pool(const Model& model, const Entry& entry) {
  const auto& pool = entry.as<Pool>();
  return contract::Pool{.uid = entry.meta.uid,
                        .namespace_name = entry.key.namespace_name,
                        .name = entry.key.name,
                        .algorithm = pool.algorithm,
                        .backends = pool.backends,
                        .health = pool.health,
                        .when_all_down = pool.when_all_down,
                        .protocol = pool.protocol,
                        .hash = pool.hash,
                        .slow_start = pool.slow_start,
                        .drain_timeout = pool.drain_timeout,
                        .failover_percent = pool.failover_percent,
                        .outlier = pool.outlier,
                        .circuit_breaker = pool.circuit_breaker,
                        .retry_budget = pool.retry_budget,
                        .connect_timeout = pool.connect_timeout,
                        .idle_timeout = pool.idle_timeout,
                        .tls = build_pool_tls(model, pool),
                        .proxy_protocol = pool.proxy_protocol};
}

contract::Object build_certificate(const Entry& entry) {
  const auto& certificate = entry.as<Certificate>();
  return contract::Certificate{.uid = entry.meta.uid,
                               .name = qualified_name(entry.key),
                               .chain = certificate.chain,
                               .key_digest = certificate.key_digest};
}

contract::Object build_trust_bundle(const Entry& entry) {
  return contract::TrustBundle{
      .uid = entry.meta.uid, .name = qualified_name(entry.key), .certificates = entry.as<Secret>().data};
}

contract::Object build_policy(const Entry& entry) {
  const auto& policy = entry.as<Policy>();
  return contract::Policy{.uid = entry.meta.uid,
                          .name = qualified_name(entry.key),
                          .mode = policy.mode,
                          .filters = policy.filters};
}

}  // namespace

contract::Kind kind_of_used(db::Kind kind) {
  if (kind == db::Kind::kPool) return contract::Kind::kPool;
  if (kind == db::Kind::kPolicy) return contract::Kind::kPolicy;
  return kind == db::Kind::kCertificate ? contract::Kind::kCertificate : contract::Kind::kTrustBundle;
}

contract::Object build_used(const Model& model, const Entry& used) {
  if (used.key.kind == db::Kind::kPool) return build_pool(model, used);
  if (used.key.kind == db::Kind::kPolicy) return build_policy(used);
  return used.key.kind == db::Kind::kCertificate ? build_certificate(used) : build_trust_bundle(used);
}

std::vector<db::ObjectKey> trust_of_pool(const Model& model, const Entry& entry) {
  const auto& tls = entry.as<Pool>().tls;
  std::vector<db::ObjectKey> keys;
  if (tls && tls->certificate) keys.push_back(key_of(db::Kind::kCertificate, *tls->certificate));
  if (tls && tls->ca) keys.push_back(key_of(db::Kind::kSecret, *tls->ca));
  std::erase_if(keys, [&](const db::ObjectKey& key) { return model.find(key) == nullptr; });
  return keys;
}

}  // namespace headgate::compile
