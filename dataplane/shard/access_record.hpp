// SPDX-License-Identifier: Apache-2.0
// AccessRecord: what is known of an exchange when it has ended, for its line of the access log and its span.
// A plain struct of views, which hold while the exchange does. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/core/clock.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::shard {

struct AccessRecord {
  std::string_view time;
  std::string_view request_id;
  std::string_view trace_id;  // with span_id; empty: nobody traces it here
  std::string_view span_id;
  std::string_view client;
  std::string_view tls_client;  // whom its certificate names; empty: nobody, or it showed none
  std::string_view tls_client_sha256;
  std::string_view listener;
  std::string_view protocol;
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::optional<std::string_view> query;
  uint16_t status = 0;  // 0: none was sent
  uint64_t request_body_bytes = 0;
  uint64_t sent_bytes = 0;
  Duration duration{0};
  Duration until_response{0};  // until the backend's head; 0: there was none
  std::string_view namespace_name;
  std::string_view route;
  std::string_view rule;
  std::string_view pool;  // only where the format has it
  std::string_view backend;
  unsigned tries = 0;
  std::string_view retry_refused;  // why a retry that the rule wanted was not made; mostly empty
  bool ejected = false;            // a try of it was the last straw: its backend is passed over for a while
  Duration queued{0};              // for a connection
  std::string_view ending;
  std::string_view detail;
  // Of TLS that is passed through, and nothing else; then there is no method, path, status, … to be told. The
  // bytes are those of the connection.
  std::optional<std::string_view> server_name;
  std::string_view alpn;
  // Those of them that the format has; null: none.
  const l7::Headers* request_headers = nullptr;
  const l7::Headers* response_headers = nullptr;
};

}  // namespace headgate::shard
