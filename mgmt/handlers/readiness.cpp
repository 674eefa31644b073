// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/readiness.hpp"

namespace headgate::handlers {

void get_openapi(const ExchangePtr& exchange) {
  exchange->respond({200, {}, "application/json", std::string(openapi::ApiDocument::text())});
}

void get_healthz(const ExchangePtr& exchange) { exchange->respond({200, {}, "text/plain", "ok\n"}); }

void get_readyz(const ExchangePtr& exchange) {
  auto reader = exchange->service.reader();
  if (!reader.ok()) return exchange->storage_failed(reader.error());
  exchange->respond({200, {}, "text/plain", "ready\n"});
}

}  // namespace headgate::handlers
