// SPDX-License-Identifier: Apache-2.0
// What one listener asks of TLS, and the certificates that it shows. Plain values, handed to ServerContext.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/tls/ticket_keys.hpp"

namespace headgate::tls {

enum class ClientCertificate : uint8_t { kNotAsked, kOptional, kRequired };

struct ServerPolicy {
  std::string listener;     // its uid: a session that began here resumes nowhere else
  bool tls13_only = false;  // else 1.2 as well
  ClientCertificate client_certificate = ClientCertificate::kNotAsked;
  std::string client_authorities;             // PEM: who is believed; where a client certificate is asked for
  std::vector<std::string> alpn;              // what is spoken, the preferred first
  std::shared_ptr<const TicketKeys> tickets;  // null: no session is resumed

  friend bool operator==(const ServerPolicy&, const ServerPolicy&) = default;
};

struct ServerCertificate {
  std::string name;   // for messages
  std::string chain;  // PEM
  std::string key;    // PEM; empty where it has not come
  friend bool operator==(const ServerCertificate&, const ServerCertificate&) = default;
};

}  // namespace headgate::tls
