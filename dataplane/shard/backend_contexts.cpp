// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/backend_contexts.hpp"

#include "dataplane/contract/enum_names.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

Error missing(const std::string& what) { return {ErrorCode::kNotFound, what + " is not known here"}; }

tls::ClientPolicy policy_of(const contract::Pool& pool) {
  const auto& settings = *pool.tls;
  const bool http2 = pool.protocol != contract::PoolProtocol::kHttp1;
  tls::ClientPolicy policy;
  policy.verifies = settings.mode == contract::PoolTlsMode::kVerify;
  if (policy.verifies) policy.subject_alt_names = settings.subject_alt_names;
  policy.from_tls13 = settings.min_version == contract::TlsVersion::kTls13;
  policy.up_to_tls12 = settings.max_version == contract::TlsVersion::kTls12;
  policy.protocol = http2 ? "h2" : "http/1.1";
  policy.needs_protocol = http2;  // RFC 9113 section 3.2
  return policy;
}

// All that a context depends on; of the key its digest.
std::string fingerprint_of(const tls::ClientPolicy& policy, const contract::Certificate* own) {
  std::string text = std::to_string(policy.verifies) + std::to_string(policy.from_tls13) +
                     std::to_string(policy.up_to_tls12) + policy.protocol + '\n';
  for (const auto& name : policy.subject_alt_names) text += name + '\n';
  text += policy.authorities ? "of\n" + *policy.authorities : "system's\n";
  if (own) text += '\n' + own->name + '\n' + own->chain + '\n' + own->key_digest;
  return tls::sha256_hex(text);
}

}  // namespace

void BackendContexts::forget_pools() { pools_.clear(); }

void BackendContexts::take(const std::shared_ptr<const contract::Pool>& pool) {
  pools_.erase(pool->uid);
  if (pool->tls) pools_.emplace(pool->uid, pool);
  changed_.insert(pool->uid);
}

void BackendContexts::remove(const std::string& pool_uid) { pools_.erase(pool_uid); }

bool BackendContexts::concerned(const contract::Pool& pool, const TlsMaterial& material) const {
  return material.all_changed || changed_.contains(pool.uid) ||
         material.changed_bundles.contains(pool.tls->ca) ||
         material.changed_certificates.contains(pool.tls->certificate);
}

bool BackendContexts::rebuild(const TlsMaterial& material) {
  const auto is_gone = [&](const auto& entry) { return !pools_.contains(entry.first); };
  std::erase_if(problems_, is_gone);
  bool changed = std::erase_if(by_pool_, is_gone) > 0;
  for (const auto& [uid, pool] : pools_) {
    if (!concerned(*pool, material)) continue;
    auto made = context_for(*pool, material);
    problems_.erase(uid);
    if (!made.ok())
      problems_[uid] = "pool " + pool->namespace_name + "/" + pool->name + ": " + made.error().message;
    const auto context = made.ok() ? *std::move(made) : nullptr;
    const auto [known, is_new] = by_pool_.try_emplace(uid);
    changed = changed || is_new || known->second != context;
    known->second = context;
  }
  changed_.clear();
  return changed;
}

Result<TlsTable::ContextPtr> BackendContexts::context_for(const contract::Pool& pool,
                                                          const TlsMaterial& material) {
  auto policy = policy_of(pool);
  if (policy.verifies && !pool.tls->ca.empty()) {
    const auto bundle = material.bundles.find(pool.tls->ca);
    if (bundle == material.bundles.end()) return missing("the secret with its authorities");
    policy.authorities = bundle->second->certificates;
  }
  const contract::Certificate* own = nullptr;
  if (!pool.tls->certificate.empty()) {
    const auto certificate = material.certificates.find(pool.tls->certificate);
    if (certificate == material.certificates.end()) return missing("certificate " + pool.tls->certificate);
    own = certificate->second.get();
  }
  const auto fingerprint = fingerprint_of(policy, own);
  if (const auto known = by_fingerprint_.find(fingerprint); known != by_fingerprint_.end())
    return known->second;
  if (own) policy.own = material.with_key(*own);
  auto made = tls::ClientContext::make(policy);
  if (policy.own) tls::wipe(policy.own->key);
  if (made.ok()) by_fingerprint_.emplace(fingerprint, *made);
  return made;
}

void BackendContexts::reclaim() {
  std::erase_if(by_fingerprint_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace headgate::shard
