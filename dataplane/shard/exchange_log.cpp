// SPDX-License-Identifier: Apache-2.0
// Exchange: what its line of the access log says, and what is counted of it.
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// Before anybody edits them. Of a head that breaks the rules, what was read of it.
void Exchange::note_request() {
  bench_.access_log.format().request_headers().pick(request_.headers, arena_, logged_request_);
}

// As the client gets it, and as its backend's memory is not there to the end.
void Exchange::note_response(const l7::ResponseHead& response) {
  logged_response_.clear();
  bench_.access_log.format().response_headers().pick(response.headers, arena_, logged_response_);
}

// By the newest tables; null where there is none, or it is gone.
const contract::Pool* Exchange::pool_object() const {
  const auto* pool = pool_ ? bench_.tables->pools.find(*pool_) : nullptr;
  return pool ? pool->object.get() : nullptr;
}

std::string_view Exchange::pool_name() const {
  const auto* pool = pool_object();
  return pool ? std::string_view(pool->name) : std::string_view();
}

AccessRecord Exchange::record() const {
  AccessRecord record;
  record.time = bench_.clock.iso_time();
  record.request_id = facts_.request_id;
  if (trace_) {
    record.trace_id = l7::trace_id_of(trace_->traceparent);
    record.span_id = l7::span_id_of(trace_->traceparent);
  }
  record.client = facts_.client_text.empty() ? client_->connection().peer_text() : facts_.client_text;
  if (const auto* identity = client_->connection().tls_client()) {  // also where no facts could be had
    record.tls_client = identity->name;
    record.tls_client_sha256 = identity->fingerprint;
  } else {
    record.tls_client = facts_.certificate.name;
    record.tls_client_sha256 = facts_.certificate.sha256;
  }
  record.listener = listener_name_;
  record.protocol = l7::name_of(request_.version);
  record.method = request_.method_text;
  record.host = filters_.met ? filters_.host : request_.host;
  record.path = filters_.met ? filters_.path : request_.path;
  record.query = request_.query;
  record.status = status_;
  record.request_body_bytes = request_body_bytes_;
  record.sent_bytes = client_->sent_bytes();
  record.duration = bench_.loop.now() - started_;
  record.until_response = response_begun_ ? response_started_ - started_ : Duration{0};
  if (plan_) {
    record.namespace_name = plan_->name.namespace_name();
    record.route = plan_->name.route();
    record.rule = plan_->name.rule();
  }
  if (bench_.access_log.format().has(contract::LogField::kPool)) record.pool = pool_name();
  record.backend = endpoint_text_;
  record.tries = tries_;
  record.retry_refused = retry_refused_;
  record.ejected = ejected_;
  record.queued = queued_;
  record.ending = name_of(ending_);
  record.detail = detail_;
  record.request_headers = &logged_request_;
  record.response_headers = &logged_response_;
  if (passes_tls()) record_passthrough(record);
  return record;
}

TrafficWay Exchange::way() const {
  TrafficWay way{.listener = listener_name_};
  if (plan_) way.route = plan_->name.route_in_full();
  if (const auto* pool = pool_object()) {
    way.pool_namespace = pool->namespace_name;
    way.pool = pool->name;
  }
  return way;
}

void Exchange::log_and_count() {
  bench_.counters.add(ending_);
  if (status_ >= 100) bench_.counters.add_response(status_);
  bench_.counters.add(Counter::kClientRxBytes, request_body_bytes_);
  bench_.counters.add(Counter::kClientTxBytes, client_->sent_bytes());
  if (ending_ == Ending::kTunnelled)
    bench_.traffic.add_untimed(way(), status_);
  else
    bench_.traffic.add(way(), status_, bench_.loop.now() - started_);
  bench_.access_log.write(record());
  leave_trace();
}

}  // namespace headgate::shard
