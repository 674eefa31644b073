// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/nodes.hpp"

#include <limits>

#include <fmt/format.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/limits.hpp"
#include "mgmt/auth/secret.hpp"

namespace headgate::handlers {

void create_enrolment(const ExchangePtr& exchange) {
  const auto& node = exchange->parameter("name");
  const auto token = auth::new_secret();
  const auto expires_at_ms =
      unix_time_ms() +
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::kEnrolmentLifetime).count();
  const auto stored = exchange->service.store().put_enrolment(exchange->principal.author(), node,
                                                              auth::digest_of(token), expires_at_ms);
  if (!stored.ok() && stored.error().code == ErrorCode::kNotFound)
    return exchange->problem({404, fmt::format("There is no node {}; PUT it first.", node), {}, {}});
  if (!stored.ok()) return exchange->storage_failed(stored.error());
  Json answer{{"node", node}, {"token", token}, {"expires_at", format_time(expires_at_ms)}};
  if (exchange->authority != nullptr) answer["ca_fingerprint"] = exchange->authority->fingerprint;
  exchange->json(201, answer, {{"Cache-Control", "no-store"}});
}

void enroll(const ExchangePtr& exchange) {
  const auto enrolment = contract::decode_enrolment(exchange->request.body);
  if (!enrolment.ok()) return exchange->problem({422, enrolment.error().message, {}, {}});
  const auto credential = auth::new_secret();
  const auto enrolled = exchange->service.store().enrol(enrolment->node, auth::digest_of(enrolment->token),
                                                        auth::digest_of(credential));
  if (!enrolled.ok() && enrolled.error().code == ErrorCode::kPermission)
    return exchange->problem(
        {403, "This enrolment token is not this node's, was used already, or has expired.", {}, {}});
  if (!enrolled.ok()) return exchange->storage_failed(enrolled.error());
  exchange->respond({200,
                     {{"Cache-Control", "no-store"}},
                     "application/json",
                     contract::encode(contract::Enrolled{enrolment->node, credential})});
}

void get_delta(const ExchangePtr& exchange) {
  uint64_t base = 0;
  std::chrono::milliseconds timeout = limits::kLongPollTimeout;
  if (const auto problem =
          read_number(exchange->request, "base", 0, std::numeric_limits<uint64_t>::max(), base))
    return exchange->problem(*problem);
  if (const auto problem = read_duration(exchange->request, "timeout", timeout))
    return exchange->problem(*problem);
  exchange->service.poll(exchange->parameter("name"), base, timeout,
                         [exchange](std::optional<contract::NodeUpdate> update) {
                           if (!update) return exchange->respond({204, {}, "", ""});
                           exchange->respond({200, {}, "application/json", contract::encode(*update)});
                         });
}

void take_report(const ExchangePtr& exchange) {
  auto report = contract::decode_node_report(exchange->request.body);
  if (!report.ok()) return exchange->problem({422, report.error().message, {}, {}});
  exchange->service.report(exchange->parameter("name"), std::move(*report), [exchange] {
    exchange->respond({204, {}, "", ""});
  });
}

void send_secrets(const ExchangePtr& exchange) {
  auto wanted = contract::decode_secrets_wanted(exchange->request.body);
  if (!wanted.ok()) return exchange->problem({422, wanted.error().message, {}, {}});
  exchange->service.secrets(
      exchange->parameter("name"), std::move(*wanted), [exchange](const contract::Secrets& secrets) {
        exchange->respond(
            {200, {{"Cache-Control", "no-store"}}, "application/json", contract::encode(secrets)});
      });
}

}  // namespace headgate::handlers
