// SPDX-License-Identifier: Apache-2.0
// NodeChannels: what goes to the nodes and what comes back: the long polls that wait, commands on their way,
// the last report of each. Time is handed in. Thread: the writer's.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/core/result.hpp"

namespace headgate::service {

using contract::Revision;

struct NodeState {
  std::optional<contract::NodeReport> report;  // without its statistics
  TimePoint reported_at{};
  int64_t reported_at_unix_ms = 0;
  std::vector<contract::ProcessStats> stats;  // the last that came
  int64_t stats_at_unix_ms = 0;
};

class NodeChannels {
 public:
  // What leads the node from `base` to now; nothing where there is no such node.
  using DeltaSince = std::function<std::optional<contract::Delta>(const std::string& node, Revision base)>;
  using OnUpdate = std::function<void(std::optional<contract::NodeUpdate>)>;  // nothing: 204
  using OnResult = std::function<void(Result<contract::CommandResult>)>;

  explicit NodeChannels(DeltaSince delta_since) : delta_since_(std::move(delta_since)) {}

  // Answers at once where there is something, else when something comes or at the deadline. One poll a node:
  // an older one is answered with nothing.
  void poll(const std::string& node, Revision base, TimePoint deadline, OnUpdate on_update);
  void report(const std::string& node, contract::NodeReport report, TimePoint now, int64_t unix_now_ms);
  // Sends a command; its id is set here.
  void command(const std::string& node, contract::AddressedCommand command, TimePoint deadline,
               OnResult on_result);
  void committed(const std::vector<std::string>& concerned);
  void removed(const std::string& node);
  void expire(TimePoint now);
  void stop();  // answers all that waits

  TimePoint next_deadline() const;
  const std::map<std::string, NodeState>& states() const { return states_; }
  std::size_t polls_waiting() const { return polls_.size(); }
  static bool is_connected(const NodeState& state, TimePoint now);

 private:
  struct Poll {
    Revision base = 0;
    TimePoint deadline;
    OnUpdate on_update;
  };
  struct SentCommand {
    std::string node;
    TimePoint deadline;
    OnResult on_result;
  };
  // Answers the node's poll if there is something for it.
  void answer(const std::string& node);

  DeltaSince delta_since_;
  std::map<std::string, NodeState> states_;
  std::map<std::string, Poll> polls_;
  std::map<std::string, std::deque<contract::AddressedCommand>> outgoing_;  // not fetched yet
  std::map<std::string, SentCommand> sent_;                                 // by id; fetched or not
  uint64_t next_command_ = 1;
};

}  // namespace headgate::service
