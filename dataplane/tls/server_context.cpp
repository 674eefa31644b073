// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/server_context.hpp"

#include <array>
#include <optional>

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/certificate_context.hpp"
#include "dataplane/tls/digest.hpp"
#include "dataplane/tls/pem.hpp"
#include "dataplane/tls/x509_facts.hpp"

namespace headgate::tls {
namespace {

constexpr std::size_t kKeyTypes = 2;

// A certificate that may be served: its facts, and what of it OpenSSL needs.
struct Servable {
  CertificateFacts facts;
  CertificateAndKey parts;
};

}  // namespace

// One use of ServerContext::make(): the certificates are read, each name gets its set, each set a context.
class ServerContextBuilder {
 public:
  ServerContextBuilder(const ServerPolicy& policy, const ServerContext* previous)
      : made_(std::make_shared<ServerContext>()), previous_(previous) {
    // The same policy by the same pointer: what is kept goes on to refer to it.
    const bool same = previous && *previous->policy_ == policy;
    made_->policy_ = same ? previous->policy_ : std::make_shared<const ServerPolicy>(policy);
    if (!same) previous_ = nullptr;
  }

  ServerContext::Made build(std::span<const ServerCertificate> certificates) {
    if (read_authorities()) {
      for (const auto& certificate : certificates) read(certificate);
      for (const auto& [name, set] : sets_) made_->names_[name] = context_of(name, set);
      choose_first();
    }
    return {std::move(made_), std::move(problems_)};
  }

 private:
  using Set = std::array<const Servable*, kKeyTypes>;  // by KeyType; null: none

  // Without the authorities that it asks for, a listener believes nobody and serves nobody.
  bool read_authorities() {
    const auto& policy = *made_->policy_;
    if (policy.client_certificate == ClientCertificate::kNotAsked) return true;
    auto authorities = read_certificates(policy.client_authorities,
                                         {limits::kTrustBundleBytesMax, limits::kCertificatesPerBundleMax});
    if (!authorities.ok()) {
      problems_.push_back("the client authorities: " + authorities.error().message);
      return false;
    }
    authorities_ = std::move(*authorities);
    return true;
  }

  void read(const ServerCertificate& certificate) {
    auto chain = read_certificates(certificate.chain,
                                   {limits::kCertificateChainBytesMax, limits::kCertificatesPerChainMax});
    if (!chain.ok()) return complain(certificate, chain.error().message);
    auto facts = facts_of(chain->front().get());
    if (!facts.ok()) return complain(certificate, facts.error().message);
    // Even where it cannot be served its names are known: they get an alert, not another's certificate.
    for (const auto& name : facts->dns_names) sets_.try_emplace(name);
    if (certificate.key.empty()) return complain(certificate, "its private key has not come yet");
    auto key = read_private_key(certificate.key);
    if (!key.ok()) return complain(certificate, key.error().message);
    if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
      take_openssl_reason();
      return complain(certificate, "its private key is that of another certificate");
    }
    servable_.push_back(std::make_unique<Servable>(
        Servable{std::move(*facts), CertificateAndKey{std::move(*chain), std::move(*key)}}));
    const Servable& served = *servable_.back();
    for (const auto& name : served.facts.dns_names) {
      auto& slot = sets_[name][static_cast<std::size_t>(served.facts.key_type)];
      if (!slot) slot = &served;
    }
  }

  void complain(const ServerCertificate& certificate, const std::string& what) {
    problems_.push_back("certificate " + certificate.name + ": " + what);
  }

  void choose_first() {
    if (servable_.empty()) return;
    const Servable& first = *servable_.front();
    if (!first.facts.dns_names.empty()) {
      made_->first_ = made_->names_[first.facts.dns_names.front()];
      return;
    }
    Set alone{};
    alone[static_cast<std::size_t>(first.facts.key_type)] = &first;
    made_->first_ = context_of(first.facts.subject, alone);
  }

  CertificateContextPtr context_of(const std::string& name, const Set& set) {
    std::string key;
    std::vector<const CertificateAndKey*> certificates;
    for (const Servable* served : set) {
      if (!served) continue;
      key += served->facts.fingerprint;
      certificates.push_back(&served->parts);
    }
    if (certificates.empty()) return nullptr;
    if (const auto known = made_->contexts_.find(key); known != made_->contexts_.end()) return known->second;
    auto context = kept(key);
    if (!context) {
      auto fresh = CertificateContext::make(made_->policy_, certificates, authorities_, identity());
      if (!fresh.ok()) {
        problems_.push_back("the certificate for " + name + ": " + fresh.error().message);
        return nullptr;
      }
      context = std::move(*fresh);
    }
    made_->contexts_.emplace(std::move(key), context);
    return context;
  }

  CertificateContextPtr kept(const std::string& key) const {
    if (!previous_) return nullptr;
    const auto known = previous_->contexts_.find(key);
    return known == previous_->contexts_.end() ? nullptr : known->second;
  }

  // What a session is bound to, beside its server name: all of the policy that a client was let in by.
  std::string identity() {
    if (!identity_) {
      const auto& policy = *made_->policy_;
      identity_ = sha256_hex(policy.listener + '\n' + std::to_string(policy.tls13_only) + '\n' +
                             std::to_string(static_cast<int>(policy.client_certificate)) + '\n' +
                             policy.client_authorities);
    }
    return *identity_;
  }

  std::shared_ptr<ServerContext> made_;
  const ServerContext* previous_;
  std::vector<X509Ptr> authorities_;
  std::vector<std::unique_ptr<Servable>> servable_;
  std::map<std::string, Set> sets_;
  std::optional<std::string> identity_;
  std::vector<std::string> problems_;
};

ServerContext::Made ServerContext::make(const ServerPolicy& policy,
                                        std::span<const ServerCertificate> certificates,
                                        const ServerContext* previous) {
  return ServerContextBuilder(policy, previous).build(certificates);
}

const CertificateContext* ServerContext::find(std::string_view name) const {
  if (const auto exact = names_.find(name); exact != names_.end()) return exact->second.get();
  const auto dot = name.find('.');
  if (dot != std::string_view::npos && dot > 0 && name.size() <= limits::kHostnameBytesMax) {
    std::array<char, limits::kHostnameBytesMax + 1> wildcard;
    wildcard[0] = '*';
    name.copy(wildcard.data() + 1, name.size() - dot, dot);
    const auto found = names_.find(std::string_view(wildcard.data(), 1 + name.size() - dot));
    if (found != names_.end()) return found->second.get();
  }
  return first_.get();
}

}  // namespace headgate::tls
