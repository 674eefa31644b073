// SPDX-License-Identifier: Apache-2.0
// ShardThread: one event loop with all that it serves: listening sockets, clients, exchanges, upstream
// connections, counters. Shares nothing with its siblings but what crossing/ brings. Threads: constructor,
// send(), join() and the counters' reading the control thread; everything else its own.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/crossing/mailbox.hpp"
#include "dataplane/crossing/publisher.hpp"
#include "dataplane/shard/listening_socket.hpp"
#include "dataplane/shard/tls_table.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

using TablePublisher = crossing::Publisher<ServedTables>;

// A listening socket for one thread; the fd is the thread's own copy.
using ThreadSocket = ListeningSocket::What;

struct ThreadCommand {
  enum class Kind : uint8_t { kSockets, kFreeKept, kDrain, kStop };
  Kind kind = Kind::kSockets;
  std::vector<ThreadSocket> sockets;  // all that it accepts from, from now on
};

struct ThreadSetup {
  std::size_t number = 0;
  std::size_t clients_max = 0;
  uint64_t request_buffers_bytes_max = 0;
  TablePublisher::Reader tables;
  l7::ThreadState state;
  AccessLogWriter& log;
  otlp::SpanExporter& spans;
  const HopAccess& hop;
  Pressure& pressure;
};

class ShardThread final : Handler {
 public:
  static Result<std::unique_ptr<ShardThread>> start(ThreadSetup setup);
  ShardThread(ThreadSetup setup, std::unique_ptr<EventLoop> loop, UniqueFd wakeup);
  ~ShardThread() override;

  // False: it does not take its commands; try again later.
  [[nodiscard]] bool send(ThreadCommand command);
  void wake();  // new tables are there
  // After kDrain: no client is left. After kStop: the thread has ended.
  bool drained() const { return drained_.load(std::memory_order_acquire); }

  const ThreadCounters& counters() const { return counters_; }
  const TrafficCounters& traffic() const { return traffic_; }

 private:
  void run();
  void refresh_tables();
  void on_events(uint32_t epoll_events) override;  // of the wakeup: new tables, commands
  void on_deadline() override {}
  void try_parked();
  void obey(ThreadCommand command);
  void set_sockets(std::vector<ThreadSocket> sockets);
  void free_kept();
  void drain();

  std::unique_ptr<EventLoop> loop_;
  UniqueFd wakeup_;
  TablePublisher::Reader tables_;
  std::size_t clients_max_;
  ThreadCounters counters_;
  TrafficCounters traffic_;
  AccessLogBuffer log_;
  SpanBuffer spans_;
  Workbench bench_;
  std::vector<std::unique_ptr<ListeningSocket>> listening_;
  std::vector<std::unique_ptr<ListeningSocket>>
      stopped_;                                // until the turn ends: an event may still name them
  crossing::Mailbox<ThreadCommand> commands_;  // control: posts, thread: takes
  bool stopping_ = false;
  std::atomic<bool> drained_{false};  // thread: writes, control: reads
  std::thread thread_;
};

}  // namespace headgate::shard
