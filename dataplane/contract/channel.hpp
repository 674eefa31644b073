// SPDX-License-Identifier: Apache-2.0
// Channel: one connected Unix stream socket that carries Messages and file descriptors, never blocking. A
// frame is four bytes of length (network order) and that much JSON; fds travel with the frame's first bytes.
// The other side may be a process of less privilege: its bytes are checked, bounded and refused. Thread: one,
// the owner's event loop. After an error the channel is dead: drop it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::contract {

struct Received {
  Message message;
  std::vector<UniqueFd> fds;
};

class Channel {
 public:
  explicit Channel(UniqueFd socket);  // made non-blocking

  int fd() const { return socket_.get(); }
  // Whether to poll for EPOLLOUT: something queued could not be sent yet.
  bool wants_write() const { return !outbox_.empty(); }

  // Queues and sends what fits. Takes copies of the fds (dup), so the caller keeps its own.
  Result<void> send(const Message& message, const std::vector<int>& fds = {});
  Result<void> flush();
  // The next whole message; nothing where none has arrived yet; kUnavailable once the other side has closed.
  Result<std::optional<Received>> receive();

 private:
  struct Outgoing {
    std::string bytes;
    std::size_t sent_bytes = 0;
    std::vector<UniqueFd> fds;  // go with the first byte
  };
  Result<bool> read_more();  // false: nothing to read now

  UniqueFd socket_;
  std::deque<Outgoing> outbox_;
  std::size_t outbox_bytes_ = 0;
  std::string inbox_;
  std::vector<UniqueFd> inbox_fds_;
};

// A connected pair, for tests and for fork().
Result<std::pair<UniqueFd, UniqueFd>> channel_pair();

}  // namespace headgate::contract
