// SPDX-License-Identifier: Apache-2.0
// Bodies of certificates and secrets, as REST takes them and as they are stored, from an authority that is
// made once a test program. Thread: the test's. Link OpenSSL::Crypto.
#pragma once

#include <array>
#include <string>

#include <nlohmann/json.hpp>

#include "dataplane/tls/digest.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::compile {

using testing_support::IssuedCertificate;

inline const testing_support::TestAuthority& test_authority() {
  static const testing_support::TestAuthority kAuthority("Test CA");
  return kAuthority;
}

// The first of a few, each with a key of its own.
inline const IssuedCertificate& issued_certificate(std::size_t index = 0) {
  const auto issue = [](const char* name) {
    return test_authority().issue({.common_name = name, .alternative_names = std::string("DNS:") + name});
  };
  static const std::array kIssued{issue("a.example.com"), issue("b.example.com"), issue("c.example.com")};
  return kIssued.at(index);
}

inline std::string certificate_body(const IssuedCertificate& issued) {
  return nlohmann::json{{"certificate", issued.certificate}, {"private_key", issued.key}}.dump();
}
inline std::string chain_body(const std::string& chain) {
  return nlohmann::json{{"certificate", chain}}.dump();
}
// As it is stored.
inline std::string stored_certificate(const IssuedCertificate& issued) {
  return nlohmann::json{{"certificate", issued.certificate}, {"key_digest", tls::sha256_hex(issued.key)}}
      .dump();
}
inline std::string client_ca_body() {
  return nlohmann::json{{"type", "client_ca"}, {"data", test_authority().certificate()}}.dump();
}
inline std::string ca_body() {
  return nlohmann::json{{"type", "ca"}, {"data", test_authority().certificate()}}.dump();
}
inline std::string tls_pool_body(const std::string& tls) {
  return R"({"backends":[{"address":"10.0.0.1","port":443}],"tls":{)" + tls + "}}";
}
inline std::string password_body(const std::string& password) {
  return nlohmann::json{{"type", "password"}, {"data", password}}.dump();
}
inline std::string https_more(const std::string& certificates, const std::string& more = "") {
  return R"(,"protocol":"https","tls":{"certificates":[)" + certificates + "]" + more + "}";
}

}  // namespace headgate::compile
