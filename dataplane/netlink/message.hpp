// SPDX-License-Identifier: Apache-2.0
// Request and Attributes: building and reading rtnetlink messages (rtnetlink(7)): a fixed body, then
// attributes aligned to four bytes. Reading checks every length: a message that does not add up has no
// attributes from there on. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <linux/netlink.h>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/mac_address.hpp"

namespace headgate::netlink {

class Request {
 public:
  // `flags`: beside NLM_F_REQUEST.
  template <typename Body>
  Request(uint16_t type, uint16_t flags, const Body& body) : bytes_(sizeof(nlmsghdr)) {
    const nlmsghdr header{.nlmsg_len = 0,
                          .nlmsg_type = type,
                          .nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST),
                          .nlmsg_seq = 0,
                          .nlmsg_pid = 0};
    std::memcpy(bytes_.data(), &header, sizeof header);
    append(&body, sizeof body);
  }

  Request& put(uint16_t attribute, std::span<const uint8_t> value);
  Request& put(uint16_t attribute, std::string_view text);  // with its terminating zero
  Request& put(uint16_t attribute, uint32_t value);
  Request& put(uint16_t attribute, const IpAddress& address);
  template <typename Struct>
  Request& put_struct(uint16_t attribute, const Struct& value) {
    return put(attribute, std::span(reinterpret_cast<const uint8_t*>(&value), sizeof value));
  }
  // Attributes put until end() are inside of this one.
  Request& begin(uint16_t attribute);
  Request& end();
  // Bytes inside of a nested attribute that are no attribute (veth's peer begins with a bare ifinfomsg).
  template <typename Struct>
  Request& raw(const Struct& value) {
    append(&value, sizeof value);
    return *this;
  }

  // Complete with its length and this sequence number.
  std::span<const uint8_t> finish(uint32_t sequence);

 private:
  void append(const void* data, std::size_t size_bytes);
  std::vector<uint8_t> bytes_;
  std::vector<std::size_t> open_;  // where the nested attributes that are not ended begin
};

class Attributes {
 public:
  // `payload`: of a message, behind its fixed body, or of a nested attribute.
  explicit Attributes(std::span<const uint8_t> payload) : payload_(payload) {}

  std::optional<std::span<const uint8_t>> find(uint16_t attribute) const;
  std::optional<uint32_t> u32(uint16_t attribute) const;
  std::optional<std::string> text(uint16_t attribute) const;
  std::optional<IpAddress> address(uint16_t attribute) const;  // of four or sixteen bytes
  std::optional<MacAddress> mac(uint16_t attribute) const;

 private:
  std::span<const uint8_t> payload_;
};

// One received message.
struct Message {
  uint16_t type = 0;
  std::span<const uint8_t> payload;

  // The fixed body and what follows it; nothing where the message is too short.
  template <typename Body>
  std::optional<Body> body() const {
    Body body;
    if (payload.size() < sizeof body) return std::nullopt;
    std::memcpy(&body, payload.data(), sizeof body);
    return body;
  }
  template <typename Body>
  Attributes attributes() const {
    const auto body_bytes = std::min<std::size_t>(NLMSG_ALIGN(sizeof(Body)), payload.size());
    return Attributes(payload.subspan(body_bytes));
  }
};

}  // namespace headgate::netlink
