// SPDX-License-Identifier: Apache-2.0
#include "dataplane/otlp/span_exporter.hpp"

#include <algorithm>

#include "dataplane/core/limits.hpp"

namespace headgate::otlp {
namespace {

constexpr auto kIdleWait = std::chrono::minutes(1);  // whoever posts wakes us

}  // namespace

SpanExporter::SpanExporter(std::size_t thread_count) {
  for (std::size_t thread = 0; thread < thread_count; ++thread)
    mailboxes_.push_back(std::make_unique<crossing::Mailbox<SpanPiece>>(limits::kSpanPiecesWaitingMax));
}

SpanExporter::~SpanExporter() {
  end_by_.store(monotonic_now() + limits::kSpanFlushTimeout, std::memory_order_relaxed);
  stopping_.store(true, std::memory_order_release);
  if (!thread_.joinable()) return;
  client_.wake();
  thread_.join();
}

bool SpanExporter::post(std::size_t thread, SpanPiece&& piece) {
  if (!running_.load(std::memory_order_relaxed)) return false;
  if (!mailboxes_[thread]->post(std::move(piece))) return false;
  client_.wake();
  return true;
}

void SpanExporter::configure(ExportTarget target) {
  const bool wanted = !target.endpoint.empty();
  {
    const std::lock_guard lock(mutex_);
    target_ = std::move(target);
    if (!wanted) fault_.clear();
  }
  if (!wanted || thread_.joinable()) return;
  thread_ = std::thread([this] { run(); });
  running_.store(true, std::memory_order_relaxed);
}

std::string SpanExporter::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

void SpanExporter::run() {
  for (;;) {
    const bool last = stopping();  // before the mailboxes: what was posted before the end is sent
    const SpanPiece spans = take();
    if (spans.count > 0)
      send(spans);
    else if (last)
      return;
    else
      client_.wait(kIdleWait);
  }
}

// What is there, up to a request's size.
SpanPiece SpanExporter::take() {
  SpanPiece all;
  for (auto& mailbox : mailboxes_) {
    while (all.spans.size() < limits::kSpanRequestBytesMax) {
      auto piece = mailbox->take();
      if (!piece) break;
      if (!all.spans.empty()) all.spans += ',';
      all.spans += piece->spans;
      all.count += piece->count;
    }
  }
  return all;
}

void SpanExporter::send(const SpanPiece& spans) {
  ExportTarget target;
  {
    const std::lock_guard lock(mutex_);
    target = target_;
  }
  const bool taken =
      !target.endpoint.empty() && offer(target.endpoint, write_export_request(target.resource, spans.spans));
  (taken ? exported_ : dropped_).fetch_add(spans.count, std::memory_order_relaxed);
}

// Until the collector has taken or refused it, or there is no time left.
bool SpanExporter::offer(const std::string& endpoint, const std::string& request) {
  for (unsigned tries = 1; monotonic_now() < end_by(); ++tries) {
    const TimePoint give_up_at = monotonic_now() + limits::kSpanRequestTimeout;
    const auto answer = client_.post(endpoint, request, [&] { return std::min(give_up_at, end_by()); });
    const auto verdict = judge_answer(answer.status);
    note(verdict, answer);
    if (verdict == ExportVerdict::kTaken) return true;
    if (verdict == ExportVerdict::kRefused || tries == limits::kSpanTriesMax || stopping()) return false;
    pause(pause_before_next(tries, answer.retry_after, random_()));
  }
  return false;
}

void SpanExporter::note(ExportVerdict verdict, const CollectorClient::Answer& answer) {
  const std::lock_guard lock(mutex_);
  if (verdict == ExportVerdict::kTaken)
    fault_.clear();
  else
    fault_ = answer.status == 0 ? answer.failure : "it answers " + std::to_string(answer.status);
}

// Cut short by the end of the process: then comes one last try.
void SpanExporter::pause(Duration longest) {
  const TimePoint over_at = monotonic_now() + longest;
  for (auto now = monotonic_now(); now < over_at && !stopping(); now = monotonic_now())
    client_.wait(std::chrono::ceil<std::chrono::milliseconds>(over_at - now));
}

}  // namespace headgate::otlp
