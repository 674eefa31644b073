// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/management_link.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/durable_file.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/tls/certificate.hpp"

namespace headgate::node {
namespace {

// What changes is reported at once; everything with its statistics, half as often as the processes count
// them.
constexpr auto kHeartbeat = 2 * limits::kReportInterval;
static_assert(2 * kHeartbeat < limits::kNodeSilentAfter);  // one may be lost

// The answer to a long poll may take this much longer than the poll itself.
constexpr auto kPollSlack = std::chrono::seconds(10);
constexpr std::size_t kDetailBytesMax = 300;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

// The authority of that fingerprint, as we write it; empty where the text shows another, or more.
std::string authority_in(const std::string& text, const std::string& fingerprint) {
  auto certificate = tls::only_certificate(text);
  if (!certificate.ok()) return {};
  const auto authorities = tls::parse_trust_bundle(*certificate);
  const bool is_it = authorities.ok() && authorities->front().fingerprint == fingerprint;
  return is_it ? *std::move(certificate) : std::string();
}

std::string reason_of(const HttpAnswer& answer) {
  if (answer.status == 0) return answer.failure;
  return fmt::format("status {}: {}", answer.status, answer.body.substr(0, kDetailBytesMax));
}

}  // namespace

ManagementLink::ManagementLink(EventLoop& loop, Options options, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      client_(loop, options_.authority_file),
      random_(std::random_device{}()),
      retry_delay_(limits::kApiRetryMin, limits::kApiRetryMax) {}

std::string ManagementLink::url(const std::string& path) const {
  return fmt::format("{}/v1/nodes/{}/{}", options_.api, options_.node, path);
}

void ManagementLink::start() {
  if (!options_.authority_fingerprint.empty() && !has_authority()) return fetch_authority();
  begin();
}

bool ManagementLink::has_authority() const {
  const auto stored = read_file(options_.authority_file);
  return stored.ok() && !stored->empty() && *stored == authority_in(*stored, options_.authority_fingerprint);
}

// The one request whose answer nobody vouches for but the answer itself. No token goes with it.
void ManagementLink::fetch_authority() {
  client_.send(
      {.method = "GET", .url = options_.api + "/v1/ca", .bearer_token = {}, .body = {}, .unverified = true},
      [this](const HttpAnswer& answer) { on_authority(answer); });
}

void ManagementLink::on_authority(const HttpAnswer& answer) {
  const auto again = [this] { fetch_authority(); };
  if (answer.status != 200)
    return retry_later("headgated does not say which authority vouches for it", answer, again);
  const auto authority = authority_in(answer.body, options_.authority_fingerprint);
  if (authority.empty())
    return retry_later("who answers for headgated shows another authority than the fingerprint says", answer,
                       again);
  if (auto stored = write_file_durably(options_.authority_file, authority, 0644); !stored.ok())
    return retry_later("headgated's authority is not stored",
                       {.status = 0, .body = {}, .failure = stored.error().message}, again);
  log::info("headgated's authority is the one with the given fingerprint");
  away_ = false;
  retry_delay_.succeeded();
  begin();
}

void ManagementLink::begin() {
  auto stored = read_file(options_.credential_file);
  if (stored.ok()) credential_ = trimmed(std::move(*stored));
  if (credential_.empty()) return enrol();
  poll();
  report();
}

void ManagementLink::enrol() {
  auto token = read_file(options_.enrolment_token_file);
  if (!token.ok())
    return retry_later("enrolment waits for its token",
                       {.status = 0, .body = {}, .failure = token.error().message}, [this] { enrol(); });
  client_.send({.method = "POST",
                .url = options_.api + "/v1/enroll",
                .bearer_token = {},
                .body = contract::encode(contract::Enrolment{options_.node, trimmed(std::move(*token))})},
               [this](const HttpAnswer& answer) { on_enrolled(answer); });
}

void ManagementLink::on_enrolled(const HttpAnswer& answer) {
  if (answer.status != 200 && answer.status != 201)
    return retry_later("headgated does not enrol this node", answer, [this] { enrol(); });
  auto enrolled = contract::decode_enrolled(answer.body);
  if (!enrolled.ok() || enrolled->credential.empty())
    return retry_later("headgated's answer to the enrolment is not understood", answer, [this] { enrol(); });
  credential_ = enrolled->credential;
  if (auto stored = write_file_durably(options_.credential_file, credential_ + "\n", 0600); !stored.ok())
    log::error("the credential is not stored, a restart will need a new token: " + stored.error().message);
  log::info("enrolled as " + options_.node);
  away_ = false;
  retry_delay_.succeeded();
  poll();
  report();
}

void ManagementLink::poll() {
  const auto timeout_s = std::chrono::duration_cast<std::chrono::seconds>(limits::kLongPollTimeout).count();
  client_.send({.method = "GET",
                .url = url(fmt::format("delta?base={}&timeout={}s", callbacks_.base(), timeout_s)),
                .bearer_token = credential_,
                .body = {},
                .timeout = limits::kLongPollTimeout + kPollSlack},
               [this](const HttpAnswer& answer) { on_polled(answer); });
}

void ManagementLink::on_polled(const HttpAnswer& answer) {
  if (answer.status == 401)  // it was enrolled anew, or headgated's database is another: a new token helps
    return retry_later("headgated does not know this node's credential", answer, [this] { enrol(); });
  if (answer.status != 200 && answer.status != 204)
    return retry_later("headgated is away", answer, [this] { poll(); });
  if (std::exchange(away_, false)) log::info("headgated answers again");
  if (answer.status == 200) {
    auto update = contract::decode_node_update(answer.body);
    if (!update.ok())
      return retry_later("headgated's update is not understood: " + update.error().message, answer,
                         [this] { poll(); });
    retry_delay_.succeeded();
    return take(std::move(*update), SIZE_MAX);
  }
  retry_delay_.succeeded();
  poll();
}

// As long as each answer brings some: one request does not hold any number of them.
void ManagementLink::take(contract::NodeUpdate update, std::size_t missing_before) {
  const auto missing = callbacks_.secrets_missing(update);
  if (missing.empty() || missing.size() >= missing_before) {
    callbacks_.on_update(std::move(update));
    return poll();
  }
  fetch_secrets(missing, [this, update = std::move(update), count = missing.size()]() mutable {
    take(std::move(update), count);
  });
}

void ManagementLink::fetch_secrets(const std::set<std::string>& digests, std::function<void()> on_done) {
  if (credential_.empty()) return on_done();
  contract::SecretsWanted wanted;
  for (const auto& digest : digests)
    if (wanted.digests.size() < limits::kSecretsPerRequestMax) wanted.digests.push_back(digest);
  client_.send({.method = "POST",
                .url = url("secrets"),
                .bearer_token = credential_,
                .body = contract::encode(wanted),
                .timeout = limits::kSecretsTimeout},
               [this, on_done = std::move(on_done)](const HttpAnswer& answer) {
                 // Nothing of an answer is ever logged: it holds private keys.
                 auto secrets = contract::decode_secrets(answer.body);
                 if (answer.status == 200 && secrets.ok()) callbacks_.on_secrets(std::move(*secrets));
                 on_done();
               });
}

void ManagementLink::retry_later(const std::string& what, const HttpAnswer& answer,
                                 std::function<void()> retry) {
  if (!std::exchange(away_, true)) log::warning(what + ", trying again: " + reason_of(answer));
  const double random = static_cast<double>(random_() - std::minstd_rand::min()) /
                        static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min() + 1.0);
  retry_timer_ = loop_.after(retry_delay_.next(random), std::move(retry));
}

void ManagementLink::report_within(Duration patience) {
  const TimePoint due = loop_.now() + patience;
  if (report_due_ <= due) return;
  report_due_ = due;
  if (credential_.empty() || report_under_way_) return;
  report_timer_ = loop_.after(patience, [this] { report(); });
}

void ManagementLink::report() {
  report_due_ = TimePoint::max();
  report_under_way_ = true;
  auto report = callbacks_.make_report(loop_.now() >= stats_due_);
  auto body = contract::encode(report);
  client_.send({.method = "POST", .url = url("report"), .bearer_token = credential_, .body = std::move(body)},
               [this, report = std::move(report)](const HttpAnswer& answer) {
                 report_under_way_ = false;
                 const bool arrived = answer.status == 200 || answer.status == 204;
                 if (arrived && report.stats) stats_due_ = loop_.now() + kHeartbeat;
                 if (arrived) callbacks_.on_reported(report);
                 // Whatever comes meanwhile is news that is reported at once.
                 if (!arrived) report_due_ = std::max(report_due_, loop_.now() + kHeartbeat);
                 const Duration wait = arrived ? std::min(report_due_, stats_due_) - loop_.now() : kHeartbeat;
                 report_timer_ = loop_.after(std::max(wait, Duration::zero()), [this] { this->report(); });
               });
}

}  // namespace headgate::node
