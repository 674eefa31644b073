// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/counters.hpp"

namespace headgate::shard {
namespace {

constexpr std::array<std::string_view, kCounters> kCounterNames{
    "connections_accepted_total",
    "connections_closed_total",
    "connections_refused_total",
    "sources_refused_total",
    "requests_total",
    "responses_1xx_total",
    "responses_2xx_total",
    "responses_3xx_total",
    "responses_4xx_total",
    "responses_5xx_total",
    "client_rx_body_bytes_total",
    "client_tx_bytes_total",
    "upstream_connects_total",
    "upstream_connect_failures_total",
    "upstream_reuses_total",
    "upstream_stale_total",
    "retries_total",
    "retry_budget_exhausted_total",
    "upstream_queued_total",
    "upstream_ejections_total",
    "upstream_ejections_spared_total",
    "access_log_lost_lines_total",
    "http2_connections_total",
    "http2_violations_total",
    "http2_reset_floods_total",
    "http2_control_floods_total",
    "http2_header_floods_total",
    "http2_header_timeouts_total",
    "http2_write_timeouts_total",
    "http2_streams_refused_total",
    "idle_timeouts_total",
    "tls_handshakes_total",
    "tls_handshakes_resumed_total",
    "hop_peers_refused_total",
    "hop_waits_total",
    "proxy_headers_total",
    "proxy_headers_refused_total",
    "proxy_tlvs_refused_total",
    "bytes_piped_total",
    "responses_compressed_total",
    "compressors_exhausted_total",
    "mirrors_total",
    "mirrors_answered_total",
    "mirrors_failed_total",
    "mirrors_cut_off_total",
    "mirrors_spared_total",
    "requests_buffered_total",
    "upstream_tls_handshakes_total",
    "upstream_tls_handshakes_resumed_total",
    "tls_passthroughs_total",
    "spans_total",
    "spans_lost_total",
};

constexpr std::array<std::string_view, kEndings> kEndingNames{
    "completed",      "malformed",         "not_routed",        "not_implemented", "header_timeout",
    "body_timeout",   "body_too_large",    "buffers_exhausted", "client_gone",     "backend_unreachable",
    "backend_closed", "backend_malformed", "response_timeout",  "request_timeout", "tunnelled",
    "overloaded",     "filtered",
};

}  // namespace

std::string_view name_of(Counter counter) { return kCounterNames[static_cast<std::size_t>(counter)]; }
std::string_view name_of(Ending ending) { return kEndingNames[static_cast<std::size_t>(ending)]; }

}  // namespace headgate::shard
