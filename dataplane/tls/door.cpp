// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/door.hpp"

namespace headgate::tls {

Door::Door(const std::vector<Listener>& listeners) {
  for (const auto& [hostname, context] : listeners) {
    if (hostname.empty()) {
      if (!rest_) rest_ = context;
    } else if (hostname.starts_with("*.")) {
      wildcard_.emplace(hostname.substr(2), context);
    } else {
      exact_.emplace(hostname, context);
    }
  }
  if (!rest_ && !listeners.empty()) rest_ = listeners.front().context;
  if (rest_) any_ = rest_->find({});
  for (std::size_t i = 0; !any_ && i < listeners.size(); ++i) any_ = listeners[i].context->find({});
}

const ServerContext* Door::listener(std::string_view server_name) const {
  if (const auto found = exact_.find(server_name); found != exact_.end()) return found->second.get();
  if (!wildcard_.empty()) {
    // From the longest: what follows the first dot, the second, …
    for (auto dot = server_name.find('.'); dot != std::string_view::npos;
         dot = server_name.find('.', dot + 1))
      if (const auto found = wildcard_.find(server_name.substr(dot + 1)); dot > 0 && found != wildcard_.end())
        return found->second.get();
  }
  return rest_.get();
}

Door::Choice Door::choose(std::string_view server_name) const {
  const ServerContext* const chosen = listener(server_name);
  return {chosen, chosen ? chosen->find(server_name) : nullptr};
}

}  // namespace headgate::tls
