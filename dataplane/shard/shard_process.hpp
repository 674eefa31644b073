// SPDX-License-Identifier: Apache-2.0
// ShardProcess: the control side of a replica: its threads, the tables that they serve, its listening
// sockets. What came from headgate-node (control_link.hpp) or a file (standalone.hpp) goes in here. Thread:
// control, the process's first. It owns the threads and outlives nothing of theirs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/otlp/span_exporter.hpp"
#include "dataplane/shard/access_log_writer.hpp"
#include "dataplane/shard/hop_access.hpp"
#include "dataplane/shard/memory_watch.hpp"
#include "dataplane/shard/pressure.hpp"
#include "dataplane/shard/shard_thread.hpp"
#include "dataplane/shard/tls_table_builder.hpp"

namespace headgate::shard {

struct ProcessOptions {
  std::string name;  // "edge/0"
  unsigned threads = 1;
  std::string access_log_path;
  std::size_t clients_max = 0;                                           // of all threads together
  uint64_t request_buffers_bytes_max = limits::kRequestBuffersBytesMax;  // as well
  uint64_t memory_max_bytes = 0;                                         // 0: no limit that anybody told of
  HopAccess hop = {};
};

class ShardProcess {
 public:
  static Result<std::unique_ptr<ShardProcess>> start(ProcessOptions options);
  explicit ShardProcess(ProcessOptions options);

  const std::string& name() const { return options_.name; }
  contract::Revision revision() const { return revision_; }  // the last that was taken over

  // Publishes it; it is served once settled() has given its revision.
  Result<void> apply(const contract::Delta& delta);
  void apply(const contract::HealthDelta& delta);
  // Ahead of the delta that names them; what waited for them is served from then on.
  void add(contract::Secrets secrets);
  // All that the process accepts from; kept ones are not disturbed.
  Result<void> set_sockets(const contract::SocketSet& set, std::vector<UniqueFd> fds);
  contract::SocketSet sockets() const;
  std::vector<int> socket_fds() const;  // in the order of sockets()

  // Frees what no thread uses any more; the newest revision that every thread serves, where it is news.
  std::optional<contract::Revision> settle();
  bool settling() const { return !unsettled_.empty(); }

  // Answers a question about what is served; not ok where it is none that a shard knows.
  contract::CommandResult answer(const contract::Command& command) const;

  // Sheds load while memory is short. When it wants to be called next, where there is a limit.
  std::optional<TimePoint> memory_due() const { return memory_.due(); }
  void look_at_memory(TimePoint now);

  void drain();
  bool drained() const;

  contract::Stats stats() const;
  std::vector<contract::Notice> notices() const;

 private:
  struct HeldSocket {
    contract::Socket socket;
    UniqueFd fd;
    ino_t inode = 0;
  };
  struct Unsettled {
    uint64_t version = 0;
    contract::Revision revision = 0;
  };

  Result<void> start_threads();
  void publish(std::unique_ptr<const l7::Tables> tables);
  Result<void> give_sockets();

  ProcessOptions options_;
  contract::Revision revision_ = 0;  // its objects are the tables': held once
  l7::TableBuilder builder_;
  TlsTableBuilder tls_;
  TablePublisher publisher_;
  std::vector<Unsettled> unsettled_;
  std::vector<HeldSocket> held_;
  AccessLogWriter log_;
  otlp::SpanExporter spans_;
  Pressure pressure_;
  MemoryWatch memory_;
  bool draining_ = false;
  std::vector<std::unique_ptr<ShardThread>> threads_;  // last: they end first
};

}  // namespace headgate::shard
