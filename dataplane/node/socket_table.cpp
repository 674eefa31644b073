// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/socket_table.hpp"

#include <algorithm>

#include <sys/socket.h>

#include "dataplane/node/listening_socket.hpp"

namespace headgate::node {
namespace {

bool is_listening(int fd) {
  int listening = 0;
  socklen_t length_bytes = sizeof listening;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length_bytes) == 0 && listening != 0;
}

}  // namespace

SocketTable::Outcome SocketTable::want(const std::string& process,
                                       const std::vector<contract::Socket>& sockets) {
  Outcome outcome;
  auto& held = processes_[process];
  for (auto entry = held.begin(); entry != held.end();) {
    const bool wanted = std::binary_search(sockets.begin(), sockets.end(), entry->first, Less{});
    outcome.changed = outcome.changed || !wanted;
    entry = wanted ? std::next(entry) : held.erase(entry);
  }
  for (const auto& socket : sockets) {
    if (held.contains(socket)) continue;
    auto opened = open_listening_socket(socket.bound);
    if (!opened.ok()) {
      if (outcome.opened.ok()) outcome.opened = std::move(opened).error();
      continue;
    }
    held.emplace(socket, std::move(*opened));
    outcome.changed = true;
  }
  return outcome;
}

void SocketTable::adopt(const std::string& process, const contract::SocketSet& set,
                        std::vector<UniqueFd> fds) {
  auto& held = processes_[process];
  for (std::size_t i = 0; i < std::min(set.sockets.size(), fds.size()); ++i)
    if (is_listening(fds[i].get())) held.emplace(set.sockets[i], std::move(fds[i]));
}

SocketTable::Handover SocketTable::of(const std::string& process) const {
  Handover handover;
  const auto held = processes_.find(process);
  if (held == processes_.end()) return handover;
  for (const auto& [socket, fd] : held->second) {
    handover.set.sockets.push_back(socket);
    handover.fds.push_back(fd.get());
  }
  return handover;
}

}  // namespace headgate::node
