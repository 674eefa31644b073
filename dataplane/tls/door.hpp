// SPDX-License-Identifier: Apache-2.0
// Door: the TLS listeners of one address and port, which differ in their hostnames, and which of them serves
// a client by the name that it asks for. A connection holds on to the door that it came through, so that it
// finishes by the certificates and policies with which it began. Immutable. Threads: made and freed by
// control, used by any.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tls/server_context.hpp"

namespace headgate::tls {

class Door {
 public:
  struct Listener {
    std::string hostname;  // lower case: exact, "*.example.com" (one or more labels), or empty for any
    std::shared_ptr<const ServerContext> context;
  };
  // Of two with the same hostname the first counts.
  explicit Door(const std::vector<Listener>& listeners);

  struct Choice {
    const ServerContext* listener = nullptr;          // null: the door has none
    const CertificateContext* certificate = nullptr;  // null: the handshake ends with an alert
    friend bool operator==(const Choice&, const Choice&) = default;
  };
  // `server_name` in lower case; empty where the client named none.
  Choice choose(std::string_view server_name) const;
  // Some context to begin a connection with, before its client has said anything; null: none can be served.
  const CertificateContext* any() const { return any_; }

 private:
  const ServerContext* listener(std::string_view server_name) const;

  using ByName = std::map<std::string, std::shared_ptr<const ServerContext>, std::less<>>;
  ByName exact_;
  ByName wildcard_;                            // by what follows the "*."
  std::shared_ptr<const ServerContext> rest_;  // of the listener without a hostname, else the first
  const CertificateContext* any_ = nullptr;
};

}  // namespace headgate::tls
