// SPDX-License-Identifier: Apache-2.0
// PacketCapturer: answers the command "capture": gives every worker a tap, writes down what they leave there
// until the count, the time or the room is used up or "end_capture" comes, and answers with a pcapng file:
// each packet as it was received and, a second time, as it was sent, with what was decided of it as a
// comment. One capture at a time. Thread: control. What it is given outlives it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/capture.hpp"
#include "dataplane/contract/message.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/fastpath/capture_tap.hpp"
#include "dataplane/fastpath/stats.hpp"
#include "dataplane/fastpath/table_keeper.hpp"

namespace headgate::fastpath {

class PacketCapturer {
 public:
  PacketCapturer(const Workers& workers, const TableKeeper& keeper);
  ~PacketCapturer();  // the workers have ended
  PacketCapturer(const PacketCapturer&) = delete;
  PacketCapturer& operator=(const PacketCapturer&) = delete;

  void begin(const contract::Command& command, TimePoint now);
  void end(const contract::Command& command);  // that of the same question, if it runs still
  void abandon();                              // nobody is there any more to be answered
  bool is_busy() const { return capture_ != nullptr || !results_.empty(); }
  // An answer, once there is one; to be asked again and again while is_busy().
  std::optional<contract::CommandResult> look(TimePoint now);

 private:
  struct Written;  // a packet as it will stand in the file
  struct Capture;
  Result<std::unique_ptr<Capture>> capture_of(const contract::CaptureQuestion& question, TimePoint now) const;
  void learn_names();
  void drain();
  void take(const CapturedPacket& packet, std::span<const std::byte> received,
            std::span<const std::byte> sent);
  void stop_by(contract::CaptureEnd reason);
  bool have_let_go() const;
  contract::CaptureAnswer answer() const;
  std::string comment_of(const CapturedPacket& packet) const;

  const Workers* workers_;
  const TableKeeper* keeper_;
  std::unique_ptr<Capture> capture_;
  std::deque<contract::CommandResult> results_;
};

}  // namespace headgate::fastpath
