// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/message.hpp"

#include <algorithm>

#include <linux/rtnetlink.h>

#include "dataplane/core/assert.hpp"

namespace headgate::netlink {

void Request::append(const void* data, std::size_t size_bytes) {
  const auto* begin = static_cast<const uint8_t*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size_bytes);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

Request& Request::put(uint16_t attribute, std::span<const uint8_t> value) {
  const rtattr header{static_cast<uint16_t>(RTA_LENGTH(value.size())), attribute};
  append(&header, sizeof header);
  append(value.data(), value.size());
  return *this;
}

Request& Request::put(uint16_t attribute, std::string_view text) {
  std::vector<uint8_t> terminated(text.begin(), text.end());
  terminated.push_back(0);
  return put(attribute, terminated);
}

Request& Request::put(uint16_t attribute, uint32_t value) { return put_struct(attribute, value); }

Request& Request::put(uint16_t attribute, const IpAddress& address) {
  return put(attribute, std::span(address.bytes()).first(address.size_bytes()));
}

Request& Request::begin(uint16_t attribute) {
  open_.push_back(bytes_.size());
  return put(attribute, std::span<const uint8_t>());
}

Request& Request::end() {
  HG_ASSERT(!open_.empty());
  const auto length = static_cast<uint16_t>(bytes_.size() - open_.back());
  std::memcpy(bytes_.data() + open_.back() + offsetof(rtattr, rta_len), &length, sizeof length);
  open_.pop_back();
  return *this;
}

std::span<const uint8_t> Request::finish(uint32_t sequence) {
  HG_ASSERT(open_.empty());
  nlmsghdr header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

std::optional<std::span<const uint8_t>> Attributes::find(uint16_t attribute) const {
  auto rest = payload_;
  while (rest.size() >= sizeof(rtattr)) {
    rtattr header;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > rest.size()) return std::nullopt;
    if ((header.rta_type & NLA_TYPE_MASK) == attribute)
      return rest.subspan(sizeof header, header.rta_len - sizeof header);
    rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(header.rta_len), rest.size()));
  }
  return std::nullopt;
}

std::optional<uint32_t> Attributes::u32(uint16_t attribute) const {
  const auto value = find(attribute);
  uint32_t number = 0;
  if (!value || value->size() != sizeof number) return std::nullopt;
  std::memcpy(&number, value->data(), sizeof number);
  return number;
}

std::optional<std::string> Attributes::text(uint16_t attribute) const {
  const auto value = find(attribute);
  if (!value) return std::nullopt;
  return std::string(value->begin(), std::find(value->begin(), value->end(), uint8_t{0}));
}

std::optional<IpAddress> Attributes::address(uint16_t attribute) const {
  const auto value = find(attribute);
  if (!value) return std::nullopt;
  std::array<uint8_t, 16> bytes{};
  if (value->size() == bytes.size()) {
    std::copy(value->begin(), value->end(), bytes.begin());
    return IpAddress::v6(bytes);
  }
  if (value->size() != 4) return std::nullopt;
  return IpAddress::v4(uint32_t{(*value)[0]} << 24 | uint32_t{(*value)[1]} << 16 |
                       uint32_t{(*value)[2]} << 8 | uint32_t{(*value)[3]});
}

std::optional<MacAddress> Attributes::mac(uint16_t attribute) const {
  const auto value = find(attribute);
  MacAddress mac{};
  if (!value || value->size() != mac.size()) return std::nullopt;
  std::copy(value->begin(), value->end(), mac.begin());
  return mac;
}

}  // namespace headgate::netlink
