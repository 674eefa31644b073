// SPDX-License-Identifier: Apache-2.0
// Exchange: which trace it is part of, and its span there. Without tracing, what the request says of it
// passes as any field does.
#include <array>
#include <charconv>

#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

// By OpenTelemetry's semantic conventions for HTTP servers, stable since 1.23; what is not known is not said.
class Attributes {
 public:
  void add(std::string_view key, std::string_view text) {
    if (!text.empty()) all_[count_++] = {key, text};
  }
  void add(std::string_view key, int64_t number) { all_[count_++] = {key, number}; }
  std::span<const otlp::Attribute> all() const { return {all_.data(), count_}; }

 private:
  std::array<otlp::Attribute, 24> all_{};
  std::size_t count_ = 0;
};

// "1.1" of "http/1.1".
std::string_view protocol_version(l7::Version version) {
  const auto name = l7::name_of(version);
  return name.substr(name.find('/') + 1);
}

}  // namespace

// Once the sender is known for one who is believed or not; over the hop, the first tier has decided.
void Exchange::enter_trace() {
  const auto& tracing = bench_.tables->settings->tracing;
  if (!tracing || trace_) return;
  const bool believed = client_->connection().is_hop() ? context_.trace_believed : facts_.peer_trusted;
  trace_ = l7::enter_trace(request_.headers, believed, tracing->sample_percent,
                           {bench_.random.next(), bench_.random.next(), bench_.random.next()}, arena_);
}

// Empty where it ended well, which for a server includes telling the client of a fault of its own.
std::string_view Exchange::error_type() {
  switch (ending_) {
    case Ending::kCompleted:
    case Ending::kTunnelled:
    case Ending::kFiltered:
      break;
    case Ending::kNotRouted:
      return status_ < 500 ? std::string_view() : detail_;
    default:
      return status_ >= 400 && status_ < 500 ? std::string_view() : name_of(ending_);
  }
  if (status_ < 500) return {};
  std::array<char, 5> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), status_).ptr;
  return arena_.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void Exchange::leave_trace() {
  if (!trace_ || !trace_->context.sampled) return;
  const auto record = this->record();
  const bool known_method = request_.method != l7::Method::kOther;
  const std::string_view route = record.rule.empty() ? record.route : record.rule;
  const auto* agent = request_.headers.find("user-agent");
  const std::string_view error = error_type();
  Attributes attributes;
  attributes.add("http.request.method", known_method ? record.method : "_OTHER");
  if (!known_method) attributes.add("http.request.method_original", record.method);
  attributes.add("url.scheme", facts_.scheme);
  attributes.add("url.path", record.path);
  attributes.add("url.query", record.query.value_or(""));
  attributes.add("server.address", record.host);
  if (request_.port) attributes.add("server.port", int64_t{*request_.port});
  attributes.add("client.address", record.client);
  attributes.add("network.protocol.version", protocol_version(request_.version));
  if (agent) attributes.add("user_agent.original", agent->value);
  if (record.status != 0) attributes.add("http.response.status_code", int64_t{record.status});
  attributes.add("http.route", route);
  attributes.add("headgate.listener", record.listener);
  attributes.add("headgate.namespace", record.namespace_name);
  attributes.add("headgate.route", record.route);
  attributes.add("headgate.pool", pool_name());
  attributes.add("headgate.endpoint", record.backend);
  attributes.add("headgate.tries", int64_t{record.tries});
  attributes.add("headgate.request_id", record.request_id);
  attributes.add("error.type", error);
  const int64_t end_unix_ns = unix_time_ns();
  const std::string_view method = known_method ? record.method : "HTTP";
  bench_.spans.add({.trace_id = record.trace_id,
                    .span_id = record.span_id,
                    .parent_id = trace_->parent_id,
                    .name = route.empty() ? method : arena_.join({method, " ", route}),
                    .start_unix_ns = end_unix_ns - record.duration.count(),
                    .end_unix_ns = end_unix_ns,
                    .attributes = attributes.all(),
                    .failed = !error.empty()});
}

}  // namespace headgate::shard
