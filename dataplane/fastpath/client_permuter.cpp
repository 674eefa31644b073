// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/client_permuter.hpp"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/checksum.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::fastpath {
namespace {

// Flow → address and port: 2^14 ports a client.
constexpr unsigned kPortBits = 14;
constexpr uint16_t kFirstPort = 1024;

}  // namespace

ClientPermuter::ClientPermuter(uint16_t port_id, uint32_t flows, ClientSide side, bool v6)
    : port_id_(port_id),
      flows_(flows),
      side_(side),
      v6_(v6),
      callback_(rte_eth_add_rx_callback(port_id, 0, on_receive, this)) {
  HG_ASSERT(callback_ != nullptr && flows <= 1u << 26);
}

ClientPermuter::~ClientPermuter() { rte_eth_remove_rx_callback(port_id_, 0, callback_); }

uint16_t ClientPermuter::on_receive(uint16_t, uint16_t, rte_mbuf* packets[], uint16_t count, uint16_t,
                                    void* self) {
  auto& permuter = *static_cast<ClientPermuter*>(self);
  for (uint16_t i = 0; i < count; ++i) {
    permuter.random_ = permuter.random_ * 6364136223846793005 + 1442695040888963407;
    const auto flow = static_cast<uint32_t>((permuter.random_ >> 32) * permuter.flows_ >> 32);
    permuter.permute(*packets[i], flow);
  }
  return count;
}

void ClientPermuter::permute(rte_mbuf& packet, uint32_t flow) const {
  auto* ip = rte_pktmbuf_mtod_offset(&packet, std::byte*, sizeof(EthernetHeader));
  const bool source = side_ == ClientSide::kSource;
  const Be16 port(static_cast<uint16_t>(kFirstPort + (flow & ((1u << kPortBits) - 1))));
  const uint32_t host = flow >> kPortBits;
  ChecksumSum change = 0;
  if (v6_) {
    auto& header = header_at<Ipv6Header>(ip);
    auto& low = header_at<Be32>(reinterpret_cast<std::byte*>((source ? header.src : header.dst).data() + 12));
    change = delta_of(low, Be32(host + 2));
    low = Be32(host + 2);
    ip += sizeof header;
  } else {
    auto& header = header_at<Ipv4Header>(ip);
    Be32& address = source ? header.src : header.dst;
    const Be32 client(0x0a000002 + host);
    change = delta_of(address, client);
    address = client;
    update_checksum(header.checksum, change);
    ip += sizeof header;
  }
  auto& tcp = header_at<TcpHeader>(ip);
  Be16& client_port = source ? tcp.src_port : tcp.dst_port;
  change += delta_of(client_port, port);
  client_port = port;
  update_checksum(tcp.checksum, change);
}

}  // namespace headgate::fastpath
