// SPDX-License-Identifier: Apache-2.0
// Translator<Family>: rewrites the packets of listeners by nat and fullnat, to their targets and back. By nat
// the client's address stays, and an answer says by where it comes from alone what it is translated to: there
// is no state. By fullnat a packet leaves with an address and a port of ours, and what those stand for is a
// NatTable's to know. Packets have been parsed without a fault, and nothing else of them is changed: neither
// hops nor MAC addresses. Thread: one worker's.
#pragma once

#include <optional>

#include "dataplane/l4/family.hpp"
#include "dataplane/l4/forward/nat_table.hpp"
#include "dataplane/l4/l4_table.hpp"
#include "dataplane/l4/packet.hpp"

namespace headgate::l4 {

template <typename Family>
class Translator {
 public:
  using Client = typename Family::Client;
  using Flows = NatTable<Client>;

  Translator(std::size_t flows, uint64_t secret, const NatPorts& ports, FileRoom file)
      : flows_(flows, secret, ports, file), secret_(secret) {}

  // From a client, to the target that was chosen for its flow.
  struct ToTarget {
    const Target& target;
    const Client& client;
    uint64_t hash = 0;  // of the flow
  };
  // False where no port is free for a new flow.
  [[nodiscard]] bool rewrite(std::byte* frame, const ParsedPacket& parsed, const ToTarget& to, Tick now);
  // A later fragment.
  void rewrite_fragment(std::byte* frame, const ParsedPacket& parsed, const Target& target) const;
  // An ICMP error about what the flow's target has answered. False where the flow is not known.
  [[nodiscard]] bool rewrite_error(std::byte* frame, const ParsedPacket& error, const ParsedPacket& quoted,
                                   const ToTarget& to, Tick now);

  // From a backend, to an address and port.
  struct Answer {
    const Target* target = nullptr;
    const NatFlow<Client>* flow = nullptr;  // of fullnat
  };
  // None where it is the machine's own affair. Known of the flow from then on: what `signal` says; nothing
  // where there is none, for a packet that is about the flow but not of it.
  std::optional<Answer> find_answer(const L4Table& table, const Backend& backend,
                                    const typename Family::Address& to, uint16_t port,
                                    std::optional<FlowSignal> signal, Tick now);
  void rewrite(std::byte* frame, const ParsedPacket& parsed, const Answer& answer) const;
  void rewrite_fragment(std::byte* frame, const ParsedPacket& parsed, const Answer& answer) const;
  // An ICMP error about what the target was sent.
  void rewrite_error(std::byte* frame, const ParsedPacket& error, const ParsedPacket& quoted,
                     const Answer& answer) const;
  // What later fragments of the answer are told by, and are found by again.
  uint32_t number_of(const NatFlow<Client>& flow) const { return flows_.number_of(flow); }
  std::optional<Answer> find_answer(const L4Table& table, uint32_t flow_number, Tick now);

  Flows& flows() { return flows_; }
  const Flows& flows() const { return flows_; }

 private:
  using Flow = NatFlow<Client>;

  static auto& ip_at(std::byte* frame, const ParsedPacket& parsed) {
    return header_at<typename Family::Header>(frame + parsed.ip_offset);
  }
  void tell_fragments_apart(std::byte* frame, const ParsedPacket& parsed) const;
  // `from`, client or ours, in exchange for the other.
  static Rewrite to_ours(const Flow& flow, const Target& target);
  static Rewrite to_client(const Flow& flow, const Target& target);

  Flows flows_;
  uint64_t secret_;
};

extern template class Translator<FamilyV4>;
extern template class Translator<FamilyV6>;

}  // namespace headgate::l4
