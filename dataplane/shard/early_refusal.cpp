// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/early_refusal.hpp"

#include <string_view>

#include <sys/socket.h>

#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

constexpr std::string_view kUnavailable =
    "HTTP/1.1 503 Service Unavailable\r\nserver: headgate\r\ncontent-length: 0\r\nretry-after: 1\r\n"
    "connection: close\r\n\r\n";
constexpr std::string_view kTooMany =
    "HTTP/1.1 429 Too Many Requests\r\nserver: headgate\r\ncontent-length: 0\r\nretry-after: 1\r\n"
    "connection: close\r\n\r\n";

}  // namespace

void refuse_early(const Workbench& bench, int socket, const Endpoint& reached, EarlyRefusal why) {
  if (bench.tls->door(reached) || bench.tables->router.passes_tls(reached)) return;
  const auto text = why == EarlyRefusal::kTooManyOfSource ? kTooMany : kUnavailable;
  ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace headgate::shard
