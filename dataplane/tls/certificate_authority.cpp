// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate_authority.hpp"

#include <algorithm>
#include <array>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/tls/certificate_draft.hpp"
#include "dataplane/tls/digest.hpp"
#include "dataplane/tls/pem.hpp"

namespace headgate::tls {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr PemLimits kOneCertificate{limits::kCertificateChainBytesMax, 1};
constexpr milliseconds kClockSkew = std::chrono::minutes(10);
constexpr std::size_t kLabelBytesMax = 63;  // RFC 1035 section 2.3.4

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelBytesMax && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return ascii::is_lower(c) || ascii::is_digit(c) || c == '-' || c == '_'; });
}

bool is_dns_name(std::string_view name) {
  if (name.size() > limits::kHostnameBytesMax) return false;
  if (name.starts_with("*.")) name.remove_prefix(2);
  for (;;) {
    const auto dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// As openssl.cnf writes it: is_server_name() lets no character pass that means something there.
std::string alternative_names(std::span<const std::string> names) {
  std::string text;
  for (const auto& name : names)
    text += (text.empty() ? "" : ",") + std::string(IpAddress::parse(name) ? "IP:" : "DNS:") + name;
  return text;
}

// Two authorities of one name would be taken for each other by who looks for an issuer by name.
std::string new_authority_name() {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return {};
  return "Headgate internal CA " +
         sha256_hex({reinterpret_cast<const char*>(random.data()), random.size()}).substr(0, 8);
}

Error failed(const std::string& what) { return {ErrorCode::kInternal, what + ": " + take_openssl_reason()}; }

Error invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

}  // namespace

bool is_server_name(std::string_view name) { return IpAddress::parse(name).has_value() || is_dns_name(name); }

CertificateAuthority::CertificateAuthority(KeyedCertificate own, CertificateFacts facts)
    : own_(std::move(own)), facts_(std::move(facts)) {}

// By swapping: a short string that is moved from keeps its bytes.
CertificateAuthority::CertificateAuthority(CertificateAuthority&& other) noexcept
    : facts_(std::move(other.facts_)) {
  own_.certificate.swap(other.own_.certificate);
  own_.key.swap(other.own_.key);
}

CertificateAuthority::~CertificateAuthority() { wipe(own_.key); }

Result<CertificateAuthority> CertificateAuthority::make(int64_t unix_ms) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const std::string name = new_authority_name();
  if (!key || name.empty()) return failed("making the internal authority's key");
  const CertificateDraft draft{
      .common_name = name,
      .begins_ms = unix_ms - kClockSkew.count(),
      .ends_ms = unix_ms + duration_cast<milliseconds>(limits::kAuthorityLifetime).count(),
      .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                     {NID_key_usage, "critical,keyCertSign,cRLSign"},
                     {NID_subject_key_identifier, "hash"}}};
  const X509Ptr certificate = sign(draft, *key, nullptr, *key);
  if (!certificate) return failed("making the internal authority's certificate");
  auto key_pem = pem_of(*key);
  auto authority = load(pem_of(*certificate), key_pem);
  wipe(key_pem);
  return authority;
}

Result<CertificateAuthority> CertificateAuthority::load(std::string_view certificate_pem,
                                                        std::string_view key_pem) {
  const auto certificates = read_certificates(certificate_pem, kOneCertificate);
  if (!certificates.ok()) return certificates.error();
  X509* const certificate = certificates->front().get();
  if (X509_check_ca(certificate) != 1 || (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) == 0)
    return invalid("this certificate is no authority's, so it issues none");
  if (auto matches = check_key_matches(certificate_pem, key_pem); !matches.ok())
    return std::move(matches).error();
  auto facts = parse_chain(certificate_pem);
  if (!facts.ok()) return std::move(facts).error();
  return CertificateAuthority({std::string(certificate_pem), std::string(key_pem)}, *std::move(facts));
}

Result<KeyedCertificate> CertificateAuthority::issue_server(std::span<const std::string> names,
                                                            int64_t unix_ms, milliseconds lifetime) const {
  if (names.empty() || names.size() > limits::kFrontNamesMax)
    return invalid("a certificate takes 1 to " + std::to_string(limits::kFrontNamesMax) + " names, not " +
                   std::to_string(names.size()));
  for (const auto& name : names)
    if (!is_server_name(name))
      return invalid("no certificate can name '" + name +
                     "': give a DNS name in lower case, or an IP address");
  const int64_t ends_ms = std::min(unix_ms + lifetime.count(), facts_.not_after_ms);
  if (lifetime.count() <= 0 || ends_ms <= unix_ms)
    return invalid("the certificate would have ended before it begins: the internal authority ends at " +
                   std::to_string(facts_.not_after_ms / 1000) + " (Unix time)");

  const auto issuers = read_certificates(own_.certificate, kOneCertificate);
  const auto issuer_key = read_private_key(own_.key);
  if (!issuers.ok() || !issuer_key.ok()) return (issuers.ok() ? issuer_key.error() : issuers.error());
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return failed("making a server's key");
  const CertificateDraft draft{.common_name = "Headgate",  // nobody goes by it (RFC 9525 section 2)
                               .begins_ms = std::max(unix_ms - kClockSkew.count(), facts_.not_before_ms),
                               .ends_ms = ends_ms,
                               .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                              {NID_key_usage, "critical,digitalSignature"},
                                              {NID_ext_key_usage, "serverAuth"},
                                              {NID_subject_key_identifier, "hash"},
                                              {NID_authority_key_identifier, "keyid:always"},
                                              {NID_subject_alt_name, alternative_names(names)}}};
  const X509Ptr certificate = sign(draft, *key, issuers->front().get(), **issuer_key);
  if (!certificate) return failed("signing a server's certificate");
  return KeyedCertificate{pem_of(*certificate), pem_of(*key)};
}

}  // namespace headgate::tls
