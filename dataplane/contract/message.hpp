// SPDX-License-Identifier: Apache-2.0
// The messages between headgate-node and the processes that it watches, over a Unix stream socket
// (channel.hpp). The process listens on a socket that headgate-node made and passed as fd 3, so that a
// restarted headgate-node can connect to it again. The process speaks first: Hello.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/secret.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/contract/stats.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::contract {

inline constexpr int kControlSocketFd = 3;  // in the child: a listening Unix socket

// --- process → node
// ------------------------------------------------------------------------------------------

// First on every connection. A node that adopts a running process goes on from here: a revision other than
// its own is answered with a full Configure.
struct Hello {
  std::string process;  // "l4", "shard/edge/0"
  std::string build;    // what binary it is
  int32_t pid = 0;
  Revision revision = 0;

  static constexpr auto kFields = std::tuple{field("process", &Hello::process), field("build", &Hello::build),
                                             field("pid", &Hello::pid), field("revision", &Hello::revision)};
  friend bool operator==(const Hello&, const Hello&) = default;
};

// After a revision is served by every thread of the process, or refused whole with the reason.
struct Acknowledgement {
  Revision revision = 0;
  bool applied = true;
  std::string reason;

  static constexpr auto kFields =
      std::tuple{field("revision", &Acknowledgement::revision), field("applied", &Acknowledgement::applied),
                 field("reason", &Acknowledgement::reason)};
  friend bool operator==(const Acknowledgement&, const Acknowledgement&) = default;
};

// Something an operator must know that is no revision's fault: "hugepages missing, using 4 KiB pages".
struct Notice {
  std::string code;  // snake_case, stable; an empty text withdraws it
  std::string text;
  bool fault = false;  // false: works, but not at its best

  static constexpr auto kFields =
      std::tuple{field("code", &Notice::code), field("text", &Notice::text), field("fault", &Notice::fault)};
  friend bool operator==(const Notice&, const Notice&) = default;
};

struct CommandResult {
  std::string id;
  bool ok = true;
  std::string body;  // JSON text, or the error's text

  static constexpr auto kFields = std::tuple{field("id", &CommandResult::id), field("ok", &CommandResult::ok),
                                             field("body", &CommandResult::body)};
  friend bool operator==(const CommandResult&, const CommandResult&) = default;
};

// --- node → process
// ------------------------------------------------------------------------------------------

struct Configure {
  Delta delta;  // of this process's audience only
};

// The listening sockets of a replica; the fds follow the message in the order of `sockets`. Replaces the
// whole set: what is no longer named is closed after its backlog is accepted.
struct Socket {
  Endpoint listener;    // the VIP and port that clients reach: what logs and headers show
  Endpoint bound;       // where the fd really listens: the same, or the local address and port
  uint32_t thread = 0;  // which thread of the replica accepts from it
  // The derived hop's Unix socket, in the place of all that: one a shard, which every thread of every replica
  // accepts from.
  bool hop = false;

  static constexpr auto kFields =
      std::tuple{field("listener", &Socket::listener), field("bound", &Socket::bound),
                 field("thread", &Socket::thread), field("hop", &Socket::hop)};
  friend bool operator==(const Socket&, const Socket&) = default;
};

struct SocketSet {
  std::vector<Socket> sockets;

  static constexpr auto kFields = std::tuple{field("sockets", &SocketSet::sockets)};
  friend bool operator==(const SocketSet&, const SocketSet&) = default;
};

// Asks a replica for its listening sockets: answered by a SocketSet with fds. How a restarted headgate-node,
// which lost its own copies, becomes their owner again without losing a queued connection.
struct SocketsWanted {
  static constexpr auto kFields = std::tuple{};
  friend bool operator==(const SocketsWanted&, const SocketsWanted&) = default;
};

struct Command {
  std::string id;
  std::string verb;                          // "explain", "capture", …
  std::string body;                          // JSON text
  Millis timeout = limits::kCommandTimeout;  // then its answer is waited for no longer

  static constexpr auto kFields =
      std::tuple{field("id", &Command::id), field("verb", &Command::verb), field("body", &Command::body),
                 field("timeout", &Command::timeout)};
  friend bool operator==(const Command&, const Command&) = default;
};

// Take nothing new, finish what runs, then exit with 0; after the timeout exit all the same.
struct Stop {
  Millis drain_timeout{0};

  static constexpr auto kFields = std::tuple{field("drain_timeout", &Stop::drain_timeout)};
  friend bool operator==(const Stop&, const Stop&) = default;
};

using Message = std::variant<Hello, Acknowledgement, Notice, CommandResult, Stats, Configure, HealthDelta,
                             SocketSet, SocketsWanted, Secrets, Command, Stop>;

}  // namespace headgate::contract
