// SPDX-License-Identifier: Apache-2.0
// Worker: one thread that moves packets between its queues of the two ports: receive a burst, let the
// Pipeline decide, act on each verdict at one place, count. Idle, it blocks on the ports' file descriptors (a
// spinning thread burns a core; short sleeps cost a quarter of one and more latency than a wake-up). While it
// blocks it is offline for the Publisher and pins no table. Threads: turn() and run() the worker's own; read
// counters and stop() from any. Ports, tables, mask and next hops outlive it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/core/unique_fd.hpp"
#include "dataplane/crossing/mailbox.hpp"
#include "dataplane/crossing/publisher.hpp"
#include "dataplane/crossing/worker_counters.hpp"
#include "dataplane/fastpath/capture_tap.hpp"
#include "dataplane/fastpath/options.hpp"
#include "dataplane/fastpath/port.hpp"
#include "dataplane/l4/line_memory.hpp"
#include "dataplane/l4/pipeline.hpp"

struct rte_mbuf;

namespace headgate::fastpath {

using Tables = crossing::Publisher<l4::L4Table>;
using RouteTables = crossing::Publisher<l4::RouteTable>;

enum WorkerCounter : std::size_t {
  kRxUplinkPackets,
  kRxUplinkBytes,
  kRxHostPackets,
  kRxHostBytes,
  kTxUplinkPackets,
  kTxUplinkBytes,
  kTxHostPackets,
  kTxHostBytes,
  kFlowsHeld,
  kFlowsRemembered,
  kFlowsEvicted,
  kIcmpErrorsTranslated,
  kIcmpAnswers,
  kNatFlowsHeld,
  kNatFlowsOpened,
  kNatFlowsEvicted,
  kBlocked,  // how often it went to sleep
  kDrops,    // by reason from here on
  kWorkerCounters = kDrops + l4::kDropReasonCount
};

// One line a target: a packet touches one.
enum TargetCounter : std::size_t {
  kToPackets,
  kToBytes,
  kFromPackets,
  kFromBytes,
  kOpenedFlows,
  kTargetCounters
};
using TargetCounters = crossing::WorkerCounters<kTargetCounters>;
static_assert(sizeof(TargetCounters) == 64);

struct WorkerPorts {
  PortQueue uplink;
  PortQueue host;
  std::vector<int> fds;  // of both, to wait on; none: it sleeps for a moment instead
};

// What the control thread keeps for a worker to read; outlives it.
struct WorkerReads {
  Tables::Reader tables;
  RouteTables::Reader routes;
  const l4::TargetMask& mask;
  const l4::NextHops& next_hops;
  int wanted_fd;  // an eventfd: written to when there is something for take_wanted()
};

class Worker {  // NOLINT(clang-analyzer-optin.performance.Padding): what other threads read lies apart
 public:
  Worker(WorkerPorts ports, const WorkerReads& reads, const l4::PipelineOptions& options, PollMode poll);

  void run();  // until stop()
  void stop();
  // One burst of each port; how many packets came. For offline runs, tests and benches; run() is made of it.
  std::size_t turn();

  // Answered by its next turn, in order. False where it has questions enough. Threads: control.
  [[nodiscard]] bool ask(const l4::FlowQuestion& question);
  std::optional<l4::FlowAnswer> take_answer() { return answers_.take(); }

  // A neighbour that a packet could not be sent to. Threads: control.
  std::optional<IpAddress> take_wanted() { return wanted_.take(); }

  // Where it leaves copies of packets from its next turn on; null: nowhere. Once that turn has begun, it has
  // let go of the tap before. Threads: control.
  void set_tap(CaptureTap* tap);
  bool has_seen_tap() const {
    return tap_changes_seen_.load(std::memory_order_acquire) == tap_changes_.load(std::memory_order_relaxed);
  }

  // All counters as they stand between two bursts, never within one.
  std::array<uint64_t, kWorkerCounters> read_counters() const;
  const TargetCounters& target_counters(uint32_t id) const { return target_counters_[id]; }

 private:
  static constexpr std::size_t kQuestionsMax = 4;
  static constexpr std::size_t kWantedMax = 16;

  struct Sending;
  std::size_t turn_uplink(const l4::View& view, TimePoint now);
  std::size_t turn_host(const l4::L4Table& table);
  struct Burst;
  static void receive(const PortQueue& queue, Burst& burst);
  void act(const l4::L4Table& table, Burst& burst);
  void send(const PortQueue& queue, Sending& sending, l4::Verdict* verdicts, l4::DropReason when_full);
  void account(const Burst& burst, bool uplink);
  void wait();
  void wake();
  void want_neighbour();
  void look_at_tap();

  WorkerPorts ports_;
  Tables::Reader tables_;
  RouteTables::Reader routes_;
  int wanted_fd_;
  l4::Pipeline pipeline_;
  PollMode poll_;
  UniqueFd wake_;
  std::atomic<bool> stop_{false};  // control: writes, worker: reads
  crossing::Mailbox<l4::FlowQuestion> questions_{kQuestionsMax};
  crossing::Mailbox<l4::FlowAnswer> answers_{kQuestionsMax};
  crossing::Mailbox<IpAddress> wanted_{kWantedMax};
  std::atomic<CaptureTap*> tap_{nullptr};       // control: writes, worker: reads
  std::atomic<uint32_t> tap_changes_{0};        // the same
  std::atomic<uint32_t> tap_changes_seen_{0};   // worker: writes, control: reads
  CaptureTap* tap_in_use_ = nullptr;            // worker
  alignas(64) std::atomic<uint64_t> turns_{0};  // worker: odd while it counts; control: reads
  crossing::WorkerCounters<kWorkerCounters> counters_;
  l4::LineMemory<TargetCounters> target_counters_{limits::kTargetIdsMax, l4::Touch::kLater};  // by target id
};

using Workers = std::vector<std::unique_ptr<Worker>>;

}  // namespace headgate::fastpath
