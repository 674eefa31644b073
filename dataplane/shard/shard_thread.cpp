// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/shard_thread.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/eventfd.h>
#include <unistd.h>

namespace headgate::shard {

Result<std::unique_ptr<ShardThread>> ShardThread::start(ThreadSetup setup) {
  auto loop = EventLoop::make();
  if (!loop.ok()) return std::move(loop).error();
  UniqueFd wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup) return system_error(errno, "making an event fd");
  return std::make_unique<ShardThread>(setup, std::move(*loop), std::move(wakeup));
}

ShardThread::ShardThread(ThreadSetup setup, std::unique_ptr<EventLoop> loop, UniqueFd wakeup)
    : loop_(std::move(loop)),
      wakeup_(std::move(wakeup)),
      tables_(setup.tables),
      clients_max_(setup.clients_max),
      log_(*loop_, counters_, setup.log, setup.number),
      spans_(*loop_, counters_, setup.spans, setup.number),
      bench_(*loop_, setup.state, counters_, traffic_, log_, spans_, setup.hop, setup.pressure),
      commands_(limits::kThreadCommandsMax) {
  bench_.buffers.bytes_max = setup.request_buffers_bytes_max;
  HG_ASSERT(loop_->add_readable(wakeup_.get(), *this));
  thread_ = std::thread([this] { run(); });
}

ShardThread::~ShardThread() {
  while (!send({ThreadCommand::Kind::kStop, {}})) std::this_thread::yield();
  thread_.join();
}

bool ShardThread::send(ThreadCommand command) {
  if (!commands_.post(std::move(command))) return false;
  wake();
  return true;
}

void ShardThread::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
}

void ShardThread::run() {
  refresh_tables();
  while (!stopping_) {
    loop_->turn([this] { tables_.offline(); },
                [this] {
                  refresh_tables();
                  bench_.handshakes.begin_turn();
                });
    stopped_.clear();
    if (bench_.draining && bench_.clients.in_use() == 0) drained_.store(true, std::memory_order_release);
  }
  // Nobody waits for them, and what they hold on to ends before this thread does.
  bench_.mirrors.for_each([](Mirror& mirror) { mirror.abort(); });
  log_.flush();
  spans_.flush();
  tables_.offline();
}

void ShardThread::refresh_tables() {
  const ServedTables& served = tables_.refresh();
  bench_.clock.set(unix_time_ms());
  bench_.tables = served.l7.get();
  bench_.tls = served.tls.get();
  log_.configure(served.l7->settings);
}

void ShardThread::on_events(uint32_t) {
  uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wakeup_.get(), &count, sizeof count);
  bench_.upstreams.close_unserved(bench_.tables->pools, *bench_.tls);
  try_parked();
  while (auto command = commands_.take()) obey(std::move(*command));
}

// Each once. One that goes on may take others with it, so nothing is held on to but how many there were; who
// is parked again stands behind.
void ShardThread::try_parked() {
  for (auto left = bench_.parked.size(); left > 0 && !bench_.parked.empty(); --left) {
    Exchange& first = *bench_.parked.front();
    bench_.parked.pop_front();
    first.on_new_tables();
  }
}

void ShardThread::obey(ThreadCommand command) {
  switch (command.kind) {
    case ThreadCommand::Kind::kSockets:
      return set_sockets(std::move(command.sockets));
    case ThreadCommand::Kind::kFreeKept:
      return free_kept();
    case ThreadCommand::Kind::kDrain:
      return drain();
    case ThreadCommand::Kind::kStop:
      stopping_ = true;
      return;
  }
}

// A socket that stays keeps its place: nothing that waits in its queue is touched. Whose listener is served
// here no more finishes what runs.
void ShardThread::set_sockets(std::vector<ThreadSocket> sockets) {
  std::vector<std::unique_ptr<ListeningSocket>> next;
  for (auto& wanted : sockets) {
    const auto known = std::find_if(listening_.begin(), listening_.end(), [&](const auto& held) {
      return held && held->inode() == wanted.inode && held->reached() == wanted.reached;
    });
    if (known != listening_.end()) {
      next.push_back(std::move(*known));
      continue;
    }
    auto fresh = std::make_unique<ListeningSocket>(bench_, std::move(wanted), clients_max_);
    if (fresh->start()) next.push_back(std::move(fresh));
  }
  std::vector<Endpoint> left;
  for (auto& gone : listening_) {
    if (!gone) continue;
    gone->stop();
    const bool stays = std::any_of(next.begin(), next.end(), [&](const auto& listening) {
      return !listening->is_hop() && listening->reached() == gone->reached();
    });
    if (!gone->is_hop() && !stays) left.push_back(gone->reached());
    stopped_.push_back(std::move(gone));
  }
  listening_ = std::move(next);
  if (left.empty()) return;
  bench_.clients.for_each([&](ClientConnection& client) {
    if (!client.is_hop() && std::find(left.begin(), left.end(), client.reached()) != left.end())
      client.drain();
  });
}

// Memory that is kept for what comes next, where there shall be less of that.
void ShardThread::free_kept() {
  bench_.blocks.free_kept();
  bench_.upstreams.close_idle();
}

void ShardThread::drain() {
  bench_.draining = true;
  set_sockets({});
  bench_.clients.for_each([](ClientConnection& client) { client.drain(); });
  bench_.upstreams.close_idle();
}

}  // namespace headgate::shard
