// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/socket_table.hpp"

#include <algorithm>

#include <sys/socket.h>

#include "dataplane/node/listening_socket.hpp"
#include "dataplane/node/node_plan.hpp"

namespace headgate::node {
namespace {

std::string shard_of(const std::string& process) {
  return std::string(contract::shard_of_audience(audience_of_process(process)));
}

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
    auto opened = open(process, socket);
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
  for (std::size_t i = 0; i < std::min(set.sockets.size(), fds.size()); ++i) {
    if (!is_listening(fds[i].get())) continue;
    if (set.sockets[i].hop && !hops_.adopt(shard_of(process), fds[i])) continue;
    held.emplace(set.sockets[i], std::move(fds[i]));
  }
}

Result<UniqueFd> SocketTable::open(const std::string& process, const contract::Socket& socket) {
  return socket.hop ? hops_.share(shard_of(process)) : open_listening_socket(socket.bound);
}

bool SocketTable::has_hop(const std::string& process) const {
  const auto held = processes_.find(process);
  return held != processes_.end() && std::any_of(held->second.begin(), held->second.end(),
                                                 [](const auto& entry) { return entry.first.hop; });
}

void SocketTable::drop_unused_hops() {
  std::set<std::string> used;
  for (const auto& [process, sockets] : processes_)
    if (has_hop(process)) used.insert(shard_of(process));
  hops_.keep_only(used);
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
