// SPDX-License-Identifier: Apache-2.0
// What the server keeps of one connection, and what its connections share. Private to mgmt/http. Threads: a
// Connection belongs to the reactor thread of its peer; Shared is used by all of them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pistache/http.h>
#include <pistache/peer.h>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "mgmt/http/response_text.hpp"
#include "mgmt/http/server.hpp"

namespace headgate::http {

inline constexpr const char* kConnectionData = "connection";

struct Connection {
  enum class State : uint8_t {
    kReading,    // a request, or nothing yet
    kAnswering,  // the handler has it; a byte more from the client ends the connection after the answer
    kClosing,    // answered for the last time; what still comes is dropped until the client closes, too
  };
  Connection(std::size_t request_bytes_max, TimePoint now) : parser(request_bytes_max), since(now) {}
  void restart(TimePoint now);
  bool is_overdue(TimePoint now) const;

  State state = State::kReading;
  Pistache::Http::RequestParser parser;
  std::size_t received_bytes = 0;  // of the request that is being read
  TimePoint since;                 // when the state, or the request in it, began
  bool continue_sent = false;
  bool lingering = false;                // kClosing, and the answer is out
  std::shared_ptr<Departure> departure;  // of the client that kAnswering is for
  ResponseForm form;                     // of the answer to the request that is being read or answered
};

inline Connection& connection_of(const Pistache::Tcp::Peer& peer) {
  return *std::static_pointer_cast<Connection>(peer.getData(kConnectionData));
}

// Which peer an answer is for, where no pointer to it may go: an fd is another client's after a close, so its
// id, which is never given twice, comes along.
struct PeerName {
  int fd = -1;
  std::size_t id = 0;
};
inline PeerName name_of(const Pistache::Tcp::Peer& peer) { return {peer.fd(), peer.getID()}; }

// Answers on their way from any thread to the reactor thread of their peer. Only there can the answer be
// written: elsewhere the peer's fd may be closed, and be another client's, between the look and the write.
// And only there may a pointer to the peer be held: whoever lets go of it last, destroys it.
class Outbox {
 public:
  struct Answer {
    PeerName peer;
    Response response;
  };
  Outbox();
  int fd() const { return wake_.get(); }  // readable while there are answers
  void put(Answer answer);
  std::vector<Answer> take();

 private:
  UniqueFd wake_;
  std::mutex mutex_;
  std::vector<Answer> answers_;
};

struct Shared {
  ServerOptions options;
  Handler handler;
  std::atomic<bool> draining{false};        // server: writes, reactors: read
  std::atomic<std::size_t> connections{0};  // reactors: write and read
  std::atomic<std::size_t> exchanges{
      0};  // handed to the handler and not answered; reactors: write, server: reads
};

}  // namespace headgate::http
