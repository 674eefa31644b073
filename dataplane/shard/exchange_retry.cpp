// SPDX-License-Identifier: Apache-2.0
// Exchange: what is tried again and when, what waits for a connection, what is learnt of endpoints, who comes
// back to which. The rules are l7's (retry.hpp, outlier.hpp, admission.hpp, affinity.hpp).
#include <utility>

#include "dataplane/l7/affinity.hpp"
#include "dataplane/l7/retry.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// Whether the rule and the budget let it be tried once more. Only after a failure that the client has seen
// nothing of.
bool Exchange::may_retry(bool wanted) {
  if (!wanted || retries_ >= plan_->extras().retry->attempts || tries_ >= limits::kTriesMax || !can_repeat())
    return false;
  const auto* pool = bench_.tables->pools.find(*pool_);
  if (!pool || !running_) return false;
  if (running_.repeat(pool->object->retry_budget)) return true;
  bench_.counters.add(Counter::kRetryBudgetSpent);
  retry_refused_ = "budget";
  return false;
}

// Another endpoint is preferred; the same one is asked again where there is no other.
void Exchange::back_off() {
  if (const auto* endpoint = outstanding_.get()) tried_.add(*endpoint);
  abort_upstream();
  status_ = 0;
  interim_responses_ = 0;
  repeating_ = true;
  ++retries_;
  phase_ = Phase::kBackingOff;
  wait_until_ = bench_.loop.now() + l7::backoff(*plan_->extras().retry, retries_, bench_.random.next());
}

bool Exchange::retry_on(contract::RetryOn cause) {
  if (!may_retry(plan_->extras().retry && l7::wants_retry(*plan_->extras().retry, cause))) return false;
  back_off();
  return true;
}

// On a final response whose head is parsed and of which nothing has been passed on.
bool Exchange::retry_on_status() {
  if (!may_retry(plan_->extras().retry && l7::wants_retry(*plan_->extras().retry, response_.status)))
    return false;
  // The connection stays where the whole response is there already, as that of a short refusal is.
  BodyPiece passed_over;
  while (!upstream_->body_done() && upstream_->at_hand() && upstream_->read(passed_over) == Flow::kMoved) {
  }
  if (upstream_->body_done() && request_read() && !upstream_->pending() && !send_over_) {
    if (const auto* endpoint = outstanding_.get()) tried_.add(*endpoint);  // its connection may have gone
    outstanding_.reset();
    upstream_->finish();
    upstream_ = nullptr;
  }
  back_off();
  return true;
}

// Every endpoint has been tried. No backend has seen a request whose connects failed, so trying again costs
// the budget nothing.
bool Exchange::retry_all_again() {
  if (tried_.size() == 0 || tries_ >= limits::kTriesMax) return false;
  if (!std::exchange(repeating_, false)) {
    const auto& rule = plan_->extras().retry;
    if (!rule || retries_ >= rule->attempts || !can_repeat() ||
        !l7::wants_retry(*rule, contract::RetryOn::kConnectFailure))
      return false;
    back_off();
    repeating_ = false;
  }
  tried_.clear();
  return true;
}

Exchange::Step Exchange::enter_queue(const l7::ServingPool& pool) {
  const TimePoint now = bench_.loop.now();
  // Woken in vain, it goes on waiting for its old deadline.
  queued_at_ = now;
  if (!in_turn_) {
    wait_until_ = now + pool.object->circuit_breaker.pending_timeout;
    bench_.counters.add(Counter::kUpstreamQueued);
  }
  bench_.queue.join(place_, pool_->slot, in_turn_);
  in_turn_ = false;
  phase_ = Phase::kQueued;
  return Step::kWait;
}

void Exchange::leave_queue() {
  if (phase_ != Phase::kQueued) return;
  bench_.queue.leave(place_);
  queued_ += bench_.loop.now() - queued_at_;
}

void Exchange::on_turn() {
  leave_queue();
  in_turn_ = true;
  phase_ = Phase::kChoosing;
  run();
}

void Exchange::on_waited() {
  if (phase_ == Phase::kBackingOff) {
    phase_ = Phase::kChoosing;
    return run();
  }
  leave_queue();
  phase_ = Phase::kChoosing;
  if (give_up(l7::Outcome::kPoolQueueTimeout) == Step::kGoOn) run();
}

void Exchange::report(l7::TryResult result) {
  const auto* endpoint = outstanding_.get();
  if (!endpoint) return;
  switch (bench_.state.report(*bench_.tables, *endpoint, result, bench_.loop.now())) {
    case l7::Ejection::kNone:
      return;
    case l7::Ejection::kEjected:
      ejected_ = true;
      return bench_.counters.add(Counter::kEjections);
    case l7::Ejection::kSpared:
      return bench_.counters.add(Counter::kEjectionsSpared);
  }
}

// Who has our cookie comes back to its endpoint, and so to that one's pool; a cookie that names none that is
// there counts for nothing.
l7::ForwardChoice Exchange::affine_forward() {
  if (!plan_->extras().affinity) return {};
  const auto affinity = l7::read_affinity(request_.headers, *plan_->extras().affinity);
  if (!affinity) return {};
  const auto forward = l7::find_affine_forward(*plan_, bench_.tables->pools, *affinity);
  if (forward.outcome == l7::Outcome::kFound) balance_.affinity = affinity;
  return forward;
}

void Exchange::add_affinity_cookie() {
  const auto* endpoint = outstanding_.get();
  if (!plan_->extras().affinity || !endpoint || balance_.affinity == endpoint->affinity) return;
  response_.headers.add({"set-cookie",
                         l7::write_affinity(*plan_->extras().affinity, endpoint->affinity, arena_),
                         l7::HeaderId::kOther});
}

}  // namespace headgate::shard
