// SPDX-License-Identifier: Apache-2.0
// CaptureTap: where one worker leaves copies of the packets that a capture is about, each as it was received
// and as it was sent, with what was decided of it. Its room is taken when it is made and bounded: where
// control does not keep up, packets are counted as lost, and the worker never waits. Threads: made and
// drained by control (take(), lost()), filled by the worker that has it (the three on_*(), in this order with
// every burst). The wish outlives it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/crossing/mailbox.hpp"
#include "dataplane/fastpath/capture_filter.hpp"
#include "dataplane/l4/l4_table.hpp"
#include "dataplane/l4/packet.hpp"
#include "dataplane/l4/verdict.hpp"

namespace headgate::fastpath {

enum class Side : uint8_t { kUplink, kHost };  // which port

struct CaptureWish {
  Endpoint reached;  // the listener's
  uint8_t protocol = 0;
  CaptureFilter
      filter;  // of the packet as received or as sent: one of them has the addresses that were meant
  uint32_t snap_bytes = 0;
  uint32_t count = 0;
};

struct CapturedPacket {
  Side came_by = Side::kUplink;
  TimePoint received_at{};
  TimePoint sent_at{};
  uint16_t received_bytes = 0;  // of the whole frame
  uint16_t sent_bytes = 0;
  l4::Verdict verdict{};

  bool is_dropped() const { return verdict.exit == l4::Exit::kDrop; }
};

class CaptureTap {
 public:
  explicit CaptureTap(const CaptureWish& wish);

  // --- worker
  void on_received(Side side, std::span<const l4::PacketView> packets, TimePoint now);
  // As they will be sent, if they are. The table is that by which it was decided.
  void on_decided(const l4::L4Table& table, std::span<const l4::PacketView> packets,
                  std::span<const l4::Verdict> verdicts);
  // With what became of those that a port did not take.
  void on_sent(std::span<const l4::Verdict> verdicts, TimePoint now);

  // --- control
  // Hands the oldest packet to `on_packet(packet, received, sent)`, whose bytes are good for that call; false
  // where there is none.
  template <typename OnPacket>
  bool take(OnPacket on_packet) {
    const auto slot = full_.take();
    if (!slot) return false;
    const CapturedPacket& packet = packets_[*slot];
    on_packet(packet, received_of(*slot), sent_of(*slot));
    HG_ASSERT(free_.post(uint32_t{*slot}));
    return true;
  }
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  static std::size_t queue_length(const CaptureWish& wish);
  std::byte* bytes_of(uint32_t slot) { return bytes_.data() + std::size_t{slot} * 2 * wish_->snap_bytes; }
  uint16_t snapped(uint16_t length_bytes) const {
    return static_cast<uint16_t>(std::min<uint32_t>(length_bytes, wish_->snap_bytes));
  }
  std::span<const std::byte> received_of(uint32_t slot) {
    return {bytes_of(slot), snapped(packets_[slot].received_bytes)};
  }
  std::span<const std::byte> sent_of(uint32_t slot) {
    return {bytes_of(slot) + wish_->snap_bytes, snapped(packets_[slot].sent_bytes)};
  }
  bool is_addressed(Side side, const l4::PacketView& packet) const;
  bool is_of_listener(const l4::L4Table& table, const l4::Verdict& verdict, bool addressed) const;

  // What is known of a packet of the burst; it waits in a slot of its own until it is known to be wanted.
  struct Seen {
    uint32_t slot = 0;
    bool addressed = false;  // by its own headers it is the listener's
    bool matches = false;    // the filter, as received
    bool wanted = false;
  };

  const CaptureWish* wish_;
  std::vector<std::byte> bytes_;         // of each slot: as received, as sent
  std::vector<CapturedPacket> packets_;  // by slot
  std::array<Seen, limits::kBurstMax> burst_{};
  crossing::Mailbox<uint32_t> free_;  // slots: control → worker
  crossing::Mailbox<uint32_t> full_;  // and back
  std::atomic<uint64_t> lost_{0};     // worker: writes, control: reads
};

}  // namespace headgate::fastpath
