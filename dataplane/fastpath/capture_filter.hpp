// SPDX-License-Identifier: Apache-2.0
// CaptureFilter: an expression as tcpdump takes it (pcap-filter(7)), compiled once by libpcap and then run
// over Ethernet frames. The expression comes from outside: what libpcap would look up (names of hosts, which
// asks a name server and waits) or run in a loop (protochain) is refused, so that compiling takes no time to
// speak of and a program goes forward only and ends. The only place of libpcap. Threads: compiled by control;
// matches() is const, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/core/result.hpp"

namespace headgate::fastpath {

class CaptureFilter {
 public:
  // Empty: every frame. kInvalid with libpcap's reason, or ours.
  static Result<CaptureFilter> compile(const std::string& expression);

  // A frame of `length_bytes`, of which the beginning is here.
  bool matches(std::span<const std::byte> beginning, uint32_t length_bytes) const;

 private:
  // As struct bpf_insn, which pcap/bpf.h declares in its own way and linux/filter.h in another.
  struct Instruction {
    uint16_t code;
    uint8_t jump_true;
    uint8_t jump_false;
    uint32_t operand;
  };
  std::vector<Instruction> program_;  // none: every frame
};

}  // namespace headgate::fastpath
