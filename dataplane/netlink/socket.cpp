// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/socket.hpp"

#include <cerrno>
#include <optional>

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace headgate::netlink {
namespace {

constexpr std::size_t kReceiveBytes = 64u << 10;  // the kernel fills at most 32 KiB at once
constexpr timeval kAnswerTimeout{5, 0};

Result<UniqueFd> open_route_socket(uint32_t groups, int flags) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE));
  if (!fd) return system_error(errno, "opening a netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error(errno, "binding a netlink socket");
  // More filters in the kernel, and why a request was wrong in its own words where it says so.
  const int one = 1;
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof kAnswerTimeout);
  return fd;
}

struct Received {
  nlmsghdr header;
  Message message;
};

// The message at the start of `rest`, which is cut off there; nothing at the end or where it does not add up.
std::optional<Received> next_message(std::span<const uint8_t>& rest) {
  Received received{};
  if (rest.size() < sizeof received.header) return std::nullopt;
  std::memcpy(&received.header, rest.data(), sizeof received.header);
  const std::size_t length_bytes = received.header.nlmsg_len;
  if (length_bytes < sizeof received.header || length_bytes > rest.size()) return std::nullopt;
  received.message = {received.header.nlmsg_type,
                      rest.subspan(sizeof received.header, length_bytes - sizeof received.header)};
  rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(length_bytes), rest.size()));
  return received;
}

Result<void> outcome(const Received& received, const std::string& what) {
  const auto error = received.message.body<nlmsgerr>();
  if (!error) return Error{ErrorCode::kInternal, what + ": a netlink answer that is too short"};
  if (error->error == 0) return {};
  auto failure = system_error(-error->error, what);
  if (received.header.nlmsg_flags & NLM_F_ACK_TLVS) {
    // Behind the error stands the request's header, and with NLM_F_CAPPED nothing else of it.
    const std::size_t request_bytes = received.header.nlmsg_flags & NLM_F_CAPPED
                                          ? sizeof(nlmsghdr)
                                          : NLMSG_ALIGN(std::size_t{error->msg.nlmsg_len});
    const std::size_t offset = std::min(sizeof error->error + request_bytes, received.message.payload.size());
    if (const auto reason = Attributes(received.message.payload.subspan(offset)).text(NLMSGERR_ATTR_MSG))
      failure.message += " (" + *reason + ")";
  }
  return failure;
}

}  // namespace

Result<Socket> Socket::open() {
  auto fd = open_route_socket(0, 0);
  if (!fd.ok()) return std::move(fd).error();
  return Socket(std::move(*fd));
}

Result<Socket> Socket::subscribe(uint32_t groups) {
  auto fd = open_route_socket(groups, SOCK_NONBLOCK);
  if (!fd.ok()) return std::move(fd).error();
  return Socket(std::move(*fd));
}

Result<void> Socket::act(Request& request, const std::string& what) {
  return exchange(request, what, [](const Message&) {});
}

Result<void> Socket::dump(Request& request, const std::string& what,
                          const std::function<void(const Message&)>& on_message) {
  return exchange(request, what, on_message);
}

Result<void> Socket::exchange(Request& request, const std::string& what,
                              const std::function<void(const Message&)>& on_message) {
  const auto bytes = request.finish(++sequence_);
  if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) return system_error(errno, what);
  std::vector<uint8_t> buffer(kReceiveBytes);
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, what);
    std::span<const uint8_t> rest(buffer.data(), static_cast<std::size_t>(got));
    while (const auto received = next_message(rest)) {
      if (received->header.nlmsg_seq != sequence_) continue;  // of a request that timed out
      if (received->header.nlmsg_type == NLMSG_DONE) return {};
      if (received->header.nlmsg_type == NLMSG_ERROR) return outcome(*received, what);
      on_message(received->message);
    }
  }
}

bool Socket::take_events(const std::function<void(const Message&)>& on_message) {
  std::vector<uint8_t> buffer(kReceiveBytes);
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno != ENOBUFS;
    std::span<const uint8_t> rest(buffer.data(), static_cast<std::size_t>(got));
    while (const auto received = next_message(rest)) on_message(received->message);
  }
}

}  // namespace headgate::netlink
