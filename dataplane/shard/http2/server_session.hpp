// SPDX-License-Identifier: Apache-2.0
// ServerSession: the Session of a client's connection that speaks HTTP/2. Each stream that the client opens
// is a leg with an exchange of its own. Drains by two GOAWAYs (RFC 9113 section 6.8): the first takes nothing
// away from a client whose requests are under way; the second follows its answer to a PING.
//
// Thread: one; the Workbench's slab owns it. Its ClientConnection hands it events and deadlines until it is
// told that the session is over.
#pragma once

#include "dataplane/shard/http2/session.hpp"

namespace headgate::shard {
class ClientConnection;
struct Workbench;
}  // namespace headgate::shard

namespace headgate::shard::http2 {

// The client connection preface (RFC 9113 section 3.4): what says that a plain connection speaks HTTP/2.
enum class Preface : uint8_t { kNone, kPartial, kWhole };
Preface find_preface(std::string_view first_bytes);

class ServerSession final : public Session {
 public:
  explicit ServerSession(Workbench& bench);

  // `received`: all that was read of the connection so far.
  void open(ClientConnection& connection, Stream& stream, std::string_view received);
  void on_events();
  void on_turn_end();
  void on_deadline();
  void drain();

 private:
  enum class Drain : uint8_t { kNo, kAnnounced, kFinal };

  MessageStream* begin_stream(int32_t id) override;
  void take_frame(const nghttp2_frame& frame) override;
  void say_final_goaway();
  void update_deadline();
  void end();

  Workbench& bench_;
  ClientConnection* connection_ = nullptr;
  Drain drain_ = Drain::kNo;
  TimePoint drain_began_;
  TimePoint idle_since_;
  bool idle_ = false;
  TimePoint progress_;  // of writing, while the socket takes no more
  uint64_t progress_bytes_ = 0;
  bool was_blocked_ = false;
};

}  // namespace headgate::shard::http2
