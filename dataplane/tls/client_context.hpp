// SPDX-License-Identifier: Apache-2.0
// ClientContext: how TLS is spoken to backends: whom to believe, with which certificate of our own, in which
// versions. Under which name is each connection's affair. Immutable. Threads: made by control, used by any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/result.hpp"
#include "dataplane/tls/server_policy.hpp"

namespace headgate::tls {

struct ClientPolicy {
  bool verifies = true;                    // false: encrypted, but to whomever
  std::optional<std::string> authorities;  // PEM: who is believed; nothing: whom the system believes
  // What a backend's certificate must carry, any of these: a DNS name, an address or a URI
  // ("spiffe://mesh/app"). Empty: the name that the connection asks for.
  std::vector<std::string> subject_alt_names;
  std::optional<ServerCertificate> own;
  bool from_tls13 = false;  // else from 1.2
  bool up_to_tls12 = false;
  std::string protocol;  // by ALPN; empty: none is offered
  bool needs_protocol = false;

  friend bool operator==(const ClientPolicy&, const ClientPolicy&) = default;
};

class ClientContext {
 public:
  // The error is a sentence for an operator.
  static Result<std::shared_ptr<const ClientContext>> make(const ClientPolicy& policy);
  ~ClientContext();

 private:
  friend class Session;
  struct Parts;
  explicit ClientContext(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace headgate::tls
