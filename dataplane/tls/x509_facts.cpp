// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/x509_facts.hpp"

#include <array>
#include <ctime>

#include <openssl/ec.h>
#include <openssl/err.h>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::tls {
namespace {

constexpr int kRsaBitsMin = 2048;  // what OpenSSL's security level 2 asks for

// Lower case; empty where it can name no host, which then serves nobody.
std::string hostname_of(std::string_view name) {
  if (name.empty() || name.size() > limits::kHostnameBytesMax) return {};
  std::string lower;
  for (const char c : name) {
    const bool fine = ascii::is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '*';
    if (!fine) return {};
    lower.push_back(ascii::to_lower(c));
  }
  const bool star_elsewhere = lower.find('*', 1) != std::string::npos;
  const bool bad_wildcard = lower[0] == '*' && (lower.size() < 3 || lower[1] != '.');
  return star_elsewhere || bad_wildcard ? std::string{} : lower;
}

std::string address_of(std::string_view bytes) {
  if (bytes.size() == 4) {
    uint32_t host_order = 0;
    for (const char byte : bytes) host_order = host_order << 8 | static_cast<uint8_t>(byte);
    return IpAddress::v4(host_order).to_string();
  }
  std::array<uint8_t, 16> v6{};
  if (bytes.size() != v6.size()) return {};
  for (std::size_t i = 0; i < v6.size(); ++i) v6[i] = static_cast<uint8_t>(bytes[i]);
  return IpAddress::v6(v6).to_string();
}

void add(std::string name, std::vector<std::string>& names) {
  if (!name.empty() && names.size() < limits::kNamesPerCertificateMax) names.push_back(std::move(name));
}

void take_names(X509* certificate, CertificateFacts& facts) {
  const NamesPtr names = alternative_names(certificate);
  bool any_dns = false;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      any_dns = true;
      add(hostname_of(text_of(name->d.dNSName)), facts.dns_names);
    } else if (name->type == GEN_IPADD) {
      add(address_of(text_of(name->d.iPAddress)), facts.ip_addresses);
    } else if (name->type == GEN_URI) {
      add(std::string(text_of(name->d.uniformResourceIdentifier)), facts.uris);
    }
  }
  if (any_dns) return;
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return;
  add(hostname_of(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))), facts.dns_names);
}

Result<int64_t> unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1)
    return Error{ErrorCode::kInvalid, "the certificate's validity is no time"};
  return static_cast<int64_t>(::timegm(&parts)) * 1000;
}

Result<KeyType> key_type_of(X509* certificate) {
  const EVP_PKEY* const key = X509_get0_pubkey(certificate);
  if (!key) return Error{ErrorCode::kInvalid, "the certificate's public key cannot be read"};
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
    if (EVP_PKEY_get_bits(key) < kRsaBitsMin)
      return Error{ErrorCode::kInvalid, "the certificate's RSA key has " +
                                            std::to_string(EVP_PKEY_get_bits(key)) + " bits; at least " +
                                            std::to_string(kRsaBitsMin) + " are needed"};
    return KeyType::kRsa;
  }
  std::array<char, 64> group{};
  std::size_t length_bytes = 0;
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &length_bytes) == 1) {
    const std::string_view name(group.data(), length_bytes);
    if (name == SN_X9_62_prime256v1 || name == SN_secp384r1 || name == SN_secp521r1) return KeyType::kEcdsa;
  }
  return Error{ErrorCode::kInvalid,
               "the certificate's key is neither RSA nor ECDSA on P-256, P-384 or P-521"};
}

std::string fingerprint_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int length_bytes = i2d_X509(certificate, &der);
  if (length_bytes <= 0) return {};
  std::string hex = sha256_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(length_bytes)});
  OPENSSL_free(der);
  return hex;
}

}  // namespace

NamesPtr alternative_names(X509* certificate) {
  return NamesPtr(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

std::string_view text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string subject_of(X509* certificate) {
  const BioPtr text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* begin = nullptr;
  const long length_bytes = BIO_get_mem_data(text.get(), &begin);
  return {begin, static_cast<std::size_t>(length_bytes)};
}

std::string common_name_of(X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  int last = -1;
  for (int at; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, last)) >= 0;) last = at;
  if (last < 0) return {};
  unsigned char* utf8 = nullptr;
  const int length_bytes =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
  if (length_bytes < 0) return {};
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length_bytes));
  OPENSSL_free(utf8);
  return name;
}

bool stands_for(X509* certificate, const std::string& name) {
  if (IpAddress::parse(name)) return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  if (name.find(':') == std::string::npos)
    return X509_check_host(certificate, name.data(), name.size(), kNameCheckFlags, nullptr) == 1;
  const NamesPtr names = alternative_names(certificate);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const held = sk_GENERAL_NAME_value(names.get(), i);
    if (held->type == GEN_URI && text_of(held->d.uniformResourceIdentifier) == name) return true;
  }
  return false;
}

Result<CertificateFacts> facts_of(X509* certificate) {
  CertificateFacts facts;
  facts.subject = subject_of(certificate);
  take_names(certificate, facts);
  const auto not_before_ms = unix_ms(X509_get0_notBefore(certificate));
  const auto not_after_ms = unix_ms(X509_get0_notAfter(certificate));
  const auto key_type = key_type_of(certificate);
  ERR_clear_error();
  if (!not_before_ms.ok()) return not_before_ms.error();
  if (!not_after_ms.ok()) return not_after_ms.error();
  if (!key_type.ok()) return key_type.error();
  facts.not_before_ms = *not_before_ms;
  facts.not_after_ms = *not_after_ms;
  facts.key_type = *key_type;
  facts.fingerprint = fingerprint_of(certificate);
  return facts;
}

}  // namespace headgate::tls
