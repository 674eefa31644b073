// SPDX-License-Identifier: Apache-2.0
// Exchange: its filters (l7/policy), applied: those of policies, of its rule, of the forward that was chosen.
#include "dataplane/shard/exchange_filters.hpp"

#include "dataplane/shard/own_response.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// Up to the rule's. True: a filter has answered, and the exchange with it.
bool Exchange::enter_filters(const l7::RoutedListener& listener, const l7::CompiledMatch& match) {
  if (listener.policies) filters_.of_listener = bench_.state.pin(*listener.policies);
  filters_.chain = {
      .listener = filters_.of_listener.get(), .route = &plan_->above, .rule = plan_->policy.get()};
  return filter_request(&l7::policy::PolicyChain::enter, match);
}

// Of the entry of the forward, and what mandatory policies say last.
bool Exchange::enter_forward_filters(const l7::policy::Policy* policy, const l7::CompiledMatch& match) {
  filters_.chain.forward = policy;
  return filter_request(&l7::policy::PolicyChain::enter_forward, match);
}

bool Exchange::filter_request(FilterStage stage, const l7::CompiledMatch& match) {
  if (filters_.chain.empty()) return false;
  if (!filters_.met) {
    const auto* origin = request_.headers.find("origin");
    filters_.met = true;
    filters_.host = request_.host;
    filters_.path = request_.path;
    filters_.origin = origin ? origin->value : std::string_view{};
    filters_.accepted = l7::policy::AcceptedCodings::of(request_.headers);
  }
  response_.clear();
  const auto [verdict, policy] = (filters_.chain.*stage)({.forwarded = facts_,
                                                          .matched_path = l7::matched_path(match),
                                                          .now = bench_.loop.now().time_since_epoch()},
                                                         request_, response_, arena_);
  if (verdict.answered_by == l7::policy::Filter::kNone) return false;
  detail_ = name_of(verdict.answered_by);
  if (!policy.empty()) detail_ = arena_.join({detail_, " of policy ", policy});
  if (refuses_websocket()) {
    OwnResponse refusal(502, "websocket_refused", arena_);  // the log names the filter
    answer_with(Ending::kFiltered, refusal.head, refusal.body);
    return true;
  }
  response_.reason = reason_phrase(response_.status);
  if (!response_.headers.find(l7::HeaderId::kServer))
    response_.headers.add(l7::HeaderId::kServer, "headgate");
  answer_with(Ending::kFiltered, response_, verdict.body);
  return true;
}

void Exchange::filter_response(l7::ResponseHead& response) const {
  filters_.chain.leave(filters_.origin, response);
}

// Of the head that the client gets, and of the body behind it.
void Exchange::begin_compression() {
  const auto* compression = filters_.chain.compression();
  const bool is_head = request_.method == l7::Method::kHead;
  if (!compression || (upstream_->body_done() && !is_head)) return;
  if (bench_.compressors.exhausted()) return bench_.counters.add(Counter::kCompressorsExhausted);
  flushes_ = response_.framing != l7::BodyFraming::kLength;
  const auto coding = l7::policy::compress_head(*compression, filters_.accepted, response_, arena_);
  if (!coding || is_head) return;
  compressor_ = bench_.compressors.take(*coding);
  bench_.counters.add(Counter::kResponsesCompressed);
}

// The next piece as the client gets it; empty and not the end: all that was there has gone into the
// compressor.
Flow Exchange::read_compressed(BodyPiece& piece) {
  piece.data = compressor_->next();
  if (piece.data.empty() && !compressor_->finished()) {
    BodyPiece raw;
    const Flow flow = upstream_->read(raw);
    if (flow != Flow::kMoved) return flow;
    response_trailers_ = raw.trailers;
    // A body whose end nobody knows may be waited for piece by piece.
    const bool flush = flushes_ && !upstream_->at_hand();
    compressor_->feed(raw.data, raw.end ? Compressor::Then::kEnd
                                : flush ? Compressor::Then::kFlush
                                        : Compressor::Then::kMore);
    piece.data = compressor_->next();
  }
  piece.end = compressor_->finished();
  if (piece.end) piece.trailers = response_trailers_;
  return Flow::kMoved;
}

}  // namespace headgate::shard
