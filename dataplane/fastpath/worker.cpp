// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/worker.hpp"

#include <poll.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"

namespace headgate::fastpath {
namespace {

constexpr unsigned kEmptyTurnsBeforeBlocking = 2000;  // some 100 µs
constexpr int kBlockMs = 1000;                        // then the flow table is tended
constexpr unsigned kNapMicroseconds = 50;             // where there is nothing to wait on

// The packet begins and ends where the pipeline has left its view.
void fit(rte_mbuf& packet, const l4::PacketView& view) {
  packet.data_off = view.headroom_bytes;
  packet.data_len = view.length_bytes;
  packet.pkt_len = view.length_bytes;
}

}  // namespace

// Packets that leave by one port, and which of the burst's verdicts are theirs.
struct Worker::Sending {
  rte_mbuf* packets[limits::kBurstMax];
  uint8_t verdicts[limits::kBurstMax];
  uint16_t count = 0;

  void add(rte_mbuf* packet, std::size_t verdict) {
    packets[count] = packet;
    verdicts[count++] = static_cast<uint8_t>(verdict);
  }
};

struct Worker::Burst {
  rte_mbuf* packets[limits::kBurstMax];
  l4::PacketView views[limits::kBurstMax];
  l4::Verdict verdicts[limits::kBurstMax];
  std::size_t count = 0;
  uint64_t received_bytes = 0;

  std::span<l4::PacketView> all_views() { return {views, count}; }
  std::span<l4::Verdict> all_verdicts() { return {verdicts, count}; }
};

Worker::Worker(WorkerPorts ports, const WorkerReads& reads, const l4::PipelineOptions& options, PollMode poll)
    : ports_(std::move(ports)),
      tables_(reads.tables),
      routes_(reads.routes),
      wanted_fd_(reads.wanted_fd),
      pipeline_(options, reads.mask, reads.next_hops),
      poll_(poll),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  HG_ASSERT(wake_);
}

void Worker::run() {
  unsigned empty_turns = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (turn() > 0) {
      empty_turns = 0;
    } else if (poll_ == PollMode::kAdaptive && ++empty_turns > kEmptyTurnsBeforeBlocking) {
      wait();
      empty_turns = 0;
    }
  }
  tables_.offline();
  routes_.offline();
}

void Worker::stop() {
  stop_.store(true, std::memory_order_relaxed);
  wake();
}

void Worker::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

bool Worker::ask(const l4::FlowQuestion& question) {
  if (!questions_.post(l4::FlowQuestion(question))) return false;
  wake();
  return true;
}

void Worker::set_tap(CaptureTap* tap) {
  tap_.store(tap, std::memory_order_relaxed);
  tap_changes_.store(tap_changes_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  wake();
}

void Worker::look_at_tap() {
  const uint32_t changes = tap_changes_.load(std::memory_order_acquire);
  if (changes == tap_changes_seen_.load(std::memory_order_relaxed)) [[likely]]
    return;
  tap_in_use_ = tap_.load(std::memory_order_relaxed);
  tap_changes_seen_.store(changes, std::memory_order_release);
}

void Worker::wait() {
  while (pipeline_.tend(monotonic_now())) {
  }
  counters_.add(kBlocked);
  tables_.offline();
  routes_.offline();
  if (ports_.fds.empty()) {
    ::usleep(kNapMicroseconds);
    return;
  }
  std::array<pollfd, 16> waited{};
  std::size_t count = 0;
  waited[count++] = {wake_.get(), POLLIN, 0};
  for (const int fd : ports_.fds)
    if (count < waited.size()) waited[count++] = {fd, POLLIN, 0};
  ::poll(waited.data(), count, kBlockMs);
  if (uint64_t woken = 0; waited[0].revents != 0) [[maybe_unused]]
    const auto got = ::read(wake_.get(), &woken, sizeof woken);
}

std::size_t Worker::turn() {
  // In this order: routes that a table needs are published before it.
  const l4::L4Table& table = tables_.refresh();
  const l4::View view{table, routes_.refresh()};
  const TimePoint now = monotonic_now();
  look_at_tap();
  const std::size_t received = turn_uplink(view, now) + turn_host(table);
  pipeline_.tend(now);
  if (const auto question = questions_.take())
    HG_ASSERT(answers_.post(pipeline_.explain(table, *question, now)));  // as much room as for questions
  return received;
}

// Fills packets and views. Prefetched first: the lengths stand in the mbufs, the bytes elsewhere.
void Worker::receive(const PortQueue& queue, Burst& burst) {
  const uint16_t received = rte_eth_rx_burst(queue.port_id, queue.queue, burst.packets, limits::kBurstMax);
  for (uint16_t i = 0; i < received; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst.packets[i], void*));
  for (uint16_t i = 0; i < received; ++i) {
    const rte_mbuf& packet = *burst.packets[i];
    burst.views[i] = {.data = rte_pktmbuf_mtod(&packet, std::byte*),
                      .length_bytes = rte_pktmbuf_data_len(&packet),
                      .headroom_bytes = rte_pktmbuf_headroom(&packet),
                      .trust = queue.trust};
    burst.received_bytes += burst.views[i].length_bytes;
  }
  burst.count = received;
}

std::size_t Worker::turn_uplink(const l4::View& view, TimePoint now) {
  Burst burst;
  receive(ports_.uplink, burst);
  if (burst.count == 0) return 0;
  if (tap_in_use_ != nullptr) [[unlikely]]
    tap_in_use_->on_received(Side::kUplink, burst.all_views(), monotonic_now());
  pipeline_.from_uplink(view, burst.all_views(), burst.all_verdicts(), now);
  for (std::size_t i = 0; i < burst.count; ++i)
    if (burst.verdicts[i].exit == l4::Exit::kUplink) fit(*burst.packets[i], burst.views[i]);
  act(view.table, burst);
  account(burst, true);
  want_neighbour();
  return burst.count;
}

// Where the mailbox is full, control has enough to ask for; the packet's sender sends again.
void Worker::want_neighbour() {
  auto wanted = pipeline_.take_wanted_neighbour();
  if (!wanted || !wanted_.post(*std::move(wanted))) return;
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wanted_fd_, &one, sizeof one);
}

std::size_t Worker::turn_host(const l4::L4Table& table) {
  Burst burst;
  receive(ports_.host, burst);
  if (burst.count == 0) return 0;
  // By the clock: this may answer what went to the kernel in this very turn.
  if (tap_in_use_ != nullptr) [[unlikely]]
    tap_in_use_->on_received(Side::kHost, burst.all_views(), monotonic_now());
  pipeline_.from_host(table, burst.all_views(), burst.all_verdicts());
  act(table, burst);
  account(burst, false);
  return burst.count;
}

// The one place where verdicts become deeds. A packet that a port does not take changes its verdict, and one
// in several segments, which is no span, is dropped. What is sent is no longer ours: a tap gets its copy
// before.
void Worker::act(const l4::L4Table& table, Burst& burst) {
  Sending to_uplink;
  Sending to_host;
  Sending dropped;
  for (std::size_t i = 0; i < burst.count; ++i) {
    l4::Verdict& verdict = burst.verdicts[i];
    if (burst.packets[i]->nb_segs > 1) verdict = l4::Verdict::drop(l4::DropReason::kFrameTooLong);
    Sending& sending = verdict.exit == l4::Exit::kUplink ? to_uplink
                       : verdict.exit == l4::Exit::kHost ? to_host
                                                         : dropped;
    sending.add(burst.packets[i], i);
  }
  if (tap_in_use_ != nullptr) [[unlikely]]
    tap_in_use_->on_decided(table, burst.all_views(), burst.all_verdicts());
  send(ports_.host, to_host, burst.verdicts, l4::DropReason::kHostQueueFull);
  send(ports_.uplink, to_uplink, burst.verdicts, l4::DropReason::kUplinkQueueFull);
  if (tap_in_use_ != nullptr) [[unlikely]]
    tap_in_use_->on_sent(burst.all_verdicts(), monotonic_now());
  if (dropped.count > 0) rte_pktmbuf_free_bulk(dropped.packets, dropped.count);
}

void Worker::send(const PortQueue& queue, Sending& sending, l4::Verdict* verdicts, l4::DropReason when_full) {
  if (sending.count == 0) return;
  const uint16_t sent = rte_eth_tx_burst(queue.port_id, queue.queue, sending.packets, sending.count);
  if (sent == sending.count) return;
  for (uint16_t i = sent; i < sending.count; ++i)
    verdicts[sending.verdicts[i]] = l4::Verdict::drop(when_full);
  rte_pktmbuf_free_bulk(sending.packets + sent, sending.count - sent);
}

void Worker::account(const Burst& burst, bool uplink) {
  std::array<uint64_t, l4::kExitCount> packets{};
  std::array<uint64_t, l4::kExitCount> bytes{};
  const uint64_t turn = turns_.load(std::memory_order_relaxed);
  turns_.store(turn + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  for (std::size_t i = 0; i < burst.count; ++i) {
    const l4::Verdict& verdict = burst.verdicts[i];
    const uint16_t length_bytes = burst.views[i].length_bytes;
    ++packets[static_cast<std::size_t>(verdict.exit)];
    bytes[static_cast<std::size_t>(verdict.exit)] += length_bytes;
    if (verdict.exit == l4::Exit::kDrop) counters_.add(kDrops + static_cast<std::size_t>(verdict.reason));
    if (verdict.role == l4::FlowRole::kNone) continue;
    TargetCounters& target = target_counters_[verdict.target_id];
    const bool back = verdict.role == l4::FlowRole::kFromTarget;
    target.add(back ? kFromPackets : kToPackets);
    target.add(back ? kFromBytes : kToBytes, length_bytes);
    if (verdict.role == l4::FlowRole::kOpensFlow) target.add(kOpenedFlows);
  }
  counters_.add(uplink ? kRxUplinkPackets : kRxHostPackets, burst.count);
  counters_.add(uplink ? kRxUplinkBytes : kRxHostBytes, burst.received_bytes);
  counters_.add(kTxUplinkPackets, packets[static_cast<std::size_t>(l4::Exit::kUplink)]);
  counters_.add(kTxUplinkBytes, bytes[static_cast<std::size_t>(l4::Exit::kUplink)]);
  counters_.add(kTxHostPackets, packets[static_cast<std::size_t>(l4::Exit::kHost)]);
  counters_.add(kTxHostBytes, bytes[static_cast<std::size_t>(l4::Exit::kHost)]);
  const l4::PipelineCounts counts = pipeline_.counts();
  counters_.set(kFlowsHeld, counts.flows_held);
  counters_.set(kFlowsRemembered, counts.flows_remembered);
  counters_.set(kFlowsEvicted, counts.flows_evicted);
  counters_.set(kIcmpErrorsTranslated, counts.icmp_errors_translated);
  counters_.set(kIcmpAnswers, counts.icmp_answers);
  counters_.set(kNatFlowsHeld, counts.nat_flows_held);
  counters_.set(kNatFlowsOpened, counts.nat_flows_opened);
  counters_.set(kNatFlowsEvicted, counts.nat_flows_evicted);
  turns_.store(turn + 2, std::memory_order_release);
}

std::array<uint64_t, kWorkerCounters> Worker::read_counters() const {
  std::array<uint64_t, kWorkerCounters> values{};
  for (;;) {
    const uint64_t before = turns_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = counters_.read(i);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && turns_.load(std::memory_order_relaxed) == before) return values;
  }
}

}  // namespace headgate::fastpath
