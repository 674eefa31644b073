// SPDX-License-Identifier: Apache-2.0
// LogField: what a line of the access log can say; each is the JSON member of its name (enum_names.hpp).
// Pure; any thread.
#pragma once

#include <cstdint>

namespace headgate::contract {

// In the order in which a line has them. Those that say nothing of an exchange are left out of its line.
enum class LogField : uint8_t {
  kTime,
  kRequestId,
  kTraceId,
  kSpanId,
  kClient,
  kTlsClient,  // of the certificate that the client showed, as tls_client_sha256
  kTlsClientSha256,
  kListener,
  kProtocol,
  kServerName,  // of TLS that passes through, as alpn and received_bytes
  kAlpn,
  kMethod,
  kHost,
  kPath,
  kQuery,
  kStatus,
  kRequestBodyBytes,
  kReceivedBytes,
  kSentBytes,
  kDurationUs,
  kUntilResponseUs,
  kNamespace,
  kRoute,
  kRule,
  kPool,
  kBackend,
  kTries,
  kRetryRefused,
  kEjected,
  kQueuedUs,
  kEnding,
  kDetail
};

}  // namespace headgate::contract
