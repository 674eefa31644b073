// SPDX-License-Identifier: Apache-2.0
// What headgate-node and headgated say to each other over REST (/v1/nodes/{n}/…); the bodies of the long poll
// and of the report. The same on one machine and on many. Thread: any; plain values.
//
//   POST /v1/enroll                                 Enrolment → Enrolled        (no other token needed)
//   GET  /v1/nodes/{n}/delta?base=R&timeout=30s     → NodeUpdate, or 204 when nothing came up to the timeout
//   POST /v1/nodes/{n}/report                       NodeReport → 204
//   POST /v1/nodes/{n}/secrets                      SecretsWanted → Secrets     (those that the node's
//   snapshot
//                                                                                names; the others are left
//                                                                                out)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/message.hpp"

namespace headgate::contract {

struct Enrolment {
  std::string node;
  std::string token;  // one-time

  static constexpr auto kFields =
      std::tuple{field("node", &Enrolment::node), field("token", &Enrolment::token)};
  friend bool operator==(const Enrolment&, const Enrolment&) = default;
};

struct Enrolled {
  std::string node;
  std::string credential;  // bearer token of this node alone, for the two calls below

  static constexpr auto kFields =
      std::tuple{field("node", &Enrolled::node), field("credential", &Enrolled::credential)};
  friend bool operator==(const Enrolled&, const Enrolled&) = default;
};

struct AddressedCommand {
  std::string process;  // "node", "l4", "shard/edge/0"; "shard/edge": all its replicas on the node
  Command command;

  static constexpr auto kFields =
      std::tuple{field("process", &AddressedCommand::process), field("command", &AddressedCommand::command)};
  friend bool operator==(const AddressedCommand&, const AddressedCommand&) = default;
};

struct NodeUpdate {
  std::optional<Delta> delta;
  std::vector<AddressedCommand> commands;  // each is handed out once
};

enum class ProcessState : uint8_t { kStarting, kRunning, kStopping, kBackoff, kCrashLoop };

struct ProcessStatus {
  std::string process;
  ProcessState state = ProcessState::kStarting;
  int32_t pid = 0;
  Revision revision = 0;       // the last it acknowledged as applied
  std::string refused_reason;  // of revision + 1 or later, empty where none was refused
  uint32_t restarts = 0;
  std::string last_exit;  // "signal 9", "status 1"; empty where it never ended
  std::vector<Notice> notices;

  static constexpr auto kFields = std::tuple{field("process", &ProcessStatus::process),
                                             field("state", &ProcessStatus::state),
                                             field("pid", &ProcessStatus::pid),
                                             field("revision", &ProcessStatus::revision),
                                             field("refused_reason", &ProcessStatus::refused_reason),
                                             field("restarts", &ProcessStatus::restarts),
                                             field("last_exit", &ProcessStatus::last_exit),
                                             field("notices", &ProcessStatus::notices)};
  friend bool operator==(const ProcessStatus&, const ProcessStatus&) = default;
};

struct ProcessStats {
  std::string process;
  Stats stats;

  static constexpr auto kFields =
      std::tuple{field("process", &ProcessStats::process), field("stats", &ProcessStats::stats)};
  friend bool operator==(const ProcessStats&, const ProcessStats&) = default;
};

enum class RestartState : uint8_t { kRunning, kDone, kFailed };

// The last restart of a shard's replicas on the node, one after the other.
struct ShardRestart {
  std::string shard;
  RestartState state = RestartState::kRunning;
  uint32_t replicas = 0;  // to be replaced
  uint32_t replaced = 0;  // of them; the old processes have ended
  std::string reason;     // why it failed: the replicas that are left were not touched

  static constexpr auto kFields =
      std::tuple{field("shard", &ShardRestart::shard), field("state", &ShardRestart::state),
                 field("replicas", &ShardRestart::replicas), field("replaced", &ShardRestart::replaced),
                 field("reason", &ShardRestart::reason)};
  friend bool operator==(const ShardRestart&, const ShardRestart&) = default;
};

// All of the node's state, each time: a lost report costs nothing. But for the statistics, which are most of
// it and change with every packet: those come every other second, not with each change that is acknowledged.
struct NodeReport {
  Revision received = 0;  // what the node itself holds
  Revision applied = 0;   // acknowledged by the node and every process that it concerns
  std::string refused_reason;
  std::vector<Notice> notices;  // of the node itself
  std::vector<ProcessStatus> processes;
  std::vector<MemberHealth> health;
  std::optional<std::vector<ProcessStats>> stats;  // absent: the last that came stand
  std::vector<ShardRestart> restarts;
  std::vector<CommandResult> results;

  static constexpr auto kFields = std::tuple{field("received", &NodeReport::received),
                                             field("applied", &NodeReport::applied),
                                             field("refused_reason", &NodeReport::refused_reason),
                                             field("notices", &NodeReport::notices),
                                             field("processes", &NodeReport::processes),
                                             field("health", &NodeReport::health),
                                             field("stats", &NodeReport::stats),
                                             field("restarts", &NodeReport::restarts),
                                             field("results", &NodeReport::results)};
  friend bool operator==(const NodeReport&, const NodeReport&) = default;
};

}  // namespace headgate::contract
