// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/packet_capturer.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/contract/enum_names.hpp"
#include "dataplane/core/packet_headers.hpp"
#include "dataplane/fastpath/pcapng.hpp"

namespace headgate::fastpath {

using contract::CaptureEnd;
using contract::CaptureRefusal;

struct PacketCapturer::Written {
  Side side;
  Direction direction;
  int64_t unix_ns;
  std::string beginning;
  uint32_t length_bytes;
  std::string comment;

  PcapngPacket packet() const {
    return {.interface = static_cast<uint32_t>(side),
            .direction = direction,
            .unix_ns = unix_ns,
            .beginning = std::as_bytes(std::span(beginning)),
            .length_bytes = length_bytes,
            .comment = comment};
  }
};

struct PacketCapturer::Capture {
  std::string command_id;
  contract::CaptureQuestion question;
  CaptureWish wish;
  TimePoint deadline{};
  int64_t unix_offset_ns = 0;                     // what makes the wall clock's of a TimePoint
  std::vector<std::unique_ptr<CaptureTap>> taps;  // by worker
  contract::Revision names_at = 0;
  std::map<uint32_t, std::string> names;  // "192.0.2.21:8080 by dsr", by the target's id
  std::vector<Written> written;
  std::size_t file_bytes = 0;
  uint32_t packets = 0;
  std::optional<CaptureEnd> ended_by;

  int64_t unix_ns(TimePoint time) const { return time.time_since_epoch().count() + unix_offset_ns; }
};

PacketCapturer::PacketCapturer(const Workers& workers, const TableKeeper& keeper)
    : workers_(&workers), keeper_(&keeper) {}

PacketCapturer::~PacketCapturer() = default;

Result<std::unique_ptr<PacketCapturer::Capture>> PacketCapturer::capture_of(
    const contract::CaptureQuestion& question, TimePoint now) const {
  auto filter = CaptureFilter::compile(question.filter);
  if (!filter.ok()) return std::move(filter).error();
  auto capture = std::make_unique<Capture>();
  capture->question = question;
  capture->wish = {.reached = question.reached,
                   .protocol = question.protocol == contract::Protocol::kUdp ? kProtocolUdp : kProtocolTcp,
                   .filter = std::move(*filter),
                   .snap_bytes = std::clamp(question.snap_bytes, limits::kCaptureSnapBytesMin,
                                            limits::kCaptureSnapBytesMax),
                   .count = std::clamp(question.count, 1u, limits::kCapturePacketsMax)};
  capture->deadline =
      now + std::clamp<Duration>(question.duration, Duration::zero(), limits::kCaptureDurationMax);
  capture->unix_offset_ns = unix_time_ns() - monotonic_now().time_since_epoch().count();
  for (std::size_t i = 0; i < workers_->size(); ++i)
    capture->taps.push_back(std::make_unique<CaptureTap>(capture->wish));
  return capture;
}

void PacketCapturer::begin(const contract::Command& command, TimePoint now) {
  const auto question = contract::decode_capture_question(command.body);
  if (!question.ok()) {
    results_.push_back({command.id, false, question.error().message});
    return;
  }
  const auto refuse = [&](CaptureRefusal refusal, std::string reason) {
    results_.push_back(
        {command.id, true,
         contract::encode(contract::CaptureAnswer{.refusal = refusal, .reason = std::move(reason)})});
  };
  if (capture_)
    return refuse(CaptureRefusal::kUnderWay,
                  fmt::format("a capture of listener {} is under way", capture_->question.listener));
  auto capture = capture_of(*question, now);
  if (!capture.ok()) return refuse(CaptureRefusal::kFilterInvalid, capture.error().message);
  capture_ = std::move(*capture);
  capture_->command_id = command.id;
  for (std::size_t i = 0; i < workers_->size(); ++i) (*workers_)[i]->set_tap(capture_->taps[i].get());
}

void PacketCapturer::end(const contract::Command& command) {
  const auto question = contract::decode_capture_question(command.body);
  if (capture_ && question.ok() && question->id == capture_->question.id) stop_by(CaptureEnd::kStopped);
  results_.push_back({command.id, true, "{}"});
}

void PacketCapturer::abandon() {
  results_.clear();
  if (capture_) stop_by(CaptureEnd::kStopped);
}

void PacketCapturer::stop_by(CaptureEnd reason) {
  if (capture_->ended_by) return;
  capture_->ended_by = reason;
  for (const auto& worker : *workers_) worker->set_tap(nullptr);
}

bool PacketCapturer::have_let_go() const {
  return capture_->ended_by && std::all_of(workers_->begin(), workers_->end(),
                                           [](const auto& worker) { return worker->has_seen_tap(); });
}

std::optional<contract::CommandResult> PacketCapturer::look(TimePoint now) {
  if (capture_) {
    const bool is_over = have_let_go();  // and leave nothing more to be drained
    drain();
    if (now >= capture_->deadline) stop_by(CaptureEnd::kDuration);
    if (is_over) {
      results_.push_back({capture_->command_id, true, contract::encode(answer())});
      capture_.reset();
    }
  }
  if (results_.empty()) return std::nullopt;
  contract::CommandResult result = std::move(results_.front());
  results_.pop_front();
  return result;
}

void PacketCapturer::drain() {
  learn_names();
  for (const auto& tap : capture_->taps)
    while (capture_->packets < capture_->wish.count &&
           tap->take([this](const CapturedPacket& packet, auto received, auto sent) {
             take(packet, received, sent);
           })) {
    }
  if (capture_->packets == capture_->wish.count) stop_by(CaptureEnd::kCount);
}

// Targets that go while it runs keep the names that they had: ids are not given twice meanwhile.
void PacketCapturer::learn_names() {
  if (capture_->names_at == keeper_->revision()) return;
  capture_->names_at = keeper_->revision();
  for (const auto& [key, object] : keeper_->snapshot().objects) {
    const auto* listener = std::get_if<contract::L4Listener>(object.get());
    if (listener == nullptr || Endpoint{listener->address, listener->port} != capture_->wish.reached)
      continue;
    for (const auto& target : listener->targets)
      capture_->names[target.id] =
          fmt::format("{} by {}", target.name, contract::name_of(listener->forwarding));
  }
}

std::string PacketCapturer::comment_of(const CapturedPacket& packet) const {
  const l4::Verdict& verdict = packet.verdict;
  if (packet.is_dropped()) return fmt::format("dropped: {}", l4::name_of(verdict.reason));
  if (verdict.role == l4::FlowRole::kNone) {
    if (verdict.exit == l4::Exit::kHost) return "to the kernel";
    return packet.came_by == Side::kHost ? "from the kernel" : "answered by headgate-l4";
  }
  const auto found = capture_->names.find(verdict.target_id);
  return fmt::format("{} {}", verdict.role == l4::FlowRole::kFromTarget ? "from" : "to",
                     found == capture_->names.end() ? "a target that has gone" : found->second);
}

void PacketCapturer::take(const CapturedPacket& packet, std::span<const std::byte> received,
                          std::span<const std::byte> sent) {
  const auto text = [](std::span<const std::byte> bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  std::vector<Written> pair{{packet.came_by,
                             Direction::kInbound,
                             capture_->unix_ns(packet.received_at),
                             text(received),
                             packet.received_bytes,
                             {}}};
  if (!packet.is_dropped())
    pair.push_back({packet.verdict.exit == l4::Exit::kUplink ? Side::kUplink : Side::kHost,
                    Direction::kOutbound,
                    capture_->unix_ns(packet.sent_at),
                    text(sent),
                    packet.sent_bytes,
                    {}});
  pair.back().comment = comment_of(packet);
  std::size_t pair_bytes = 0;
  for (const auto& written : pair) pair_bytes += PcapngWriter::packet_bytes(written.packet());
  if (capture_->file_bytes + pair_bytes > limits::kCaptureFileBytesMax) stop_by(CaptureEnd::kBytes);
  if (capture_->ended_by == CaptureEnd::kBytes) return;
  capture_->file_bytes += pair_bytes;
  ++capture_->packets;
  std::move(pair.begin(), pair.end(), std::back_inserter(capture_->written));
}

// By time: workers and ports are drained one after the other.
contract::CaptureAnswer PacketCapturer::answer() const {
  contract::CaptureAnswer answer{.ended_by = *capture_->ended_by, .packets = capture_->packets};
  for (const auto& tap : capture_->taps) answer.lost += tap->lost();
  std::vector<const Written*> in_order;
  for (const auto& written : capture_->written) in_order.push_back(&written);
  std::stable_sort(in_order.begin(), in_order.end(),
                   [](const auto* a, const auto* b) { return a->unix_ns < b->unix_ns; });
  PcapngWriter file(
      "headgate-l4 " HEADGATE_VERSION,
      fmt::format("{} packets of listener {}, each as received and as sent, by their first {} bytes; {} "
                  "more lost; ended by {}",
                  answer.packets, capture_->question.listener, capture_->wish.snap_bytes, answer.lost,
                  contract::name_of(answer.ended_by)));
  file.add_interface("uplink", capture_->wish.snap_bytes);
  file.add_interface("host", capture_->wish.snap_bytes);
  for (const auto* written : in_order) file.add_packet(written->packet());
  answer.pcapng.value = std::move(file).take();
  return answer;
}

}  // namespace headgate::fastpath
