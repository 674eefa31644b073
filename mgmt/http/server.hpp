// SPDX-License-Identifier: Apache-2.0
// Server: HTTP/1.1 on one loopback address by Pistache. Only loopback: Pistache 0.0.5 is not fit for a
// network (DESIGN section 5). Threads: the handler is called on one of the server's own threads and must
// return soon; its Responder may be called from any thread. The server must be stopped before what its
// handler uses is destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/result.hpp"
#include "mgmt/http/message.hpp"

namespace headgate::http {

struct ServerOptions {
  Endpoint listen;  // loopback; port 0: any free one
  unsigned threads = 2;
  // How many bytes of body a request may carry, by its method and path.
  std::function<std::size_t(std::string_view method, std::string_view path)> body_bytes_max;
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler handler);
  ~Server();  // stops at once

  Endpoint address() const;  // with the port that was really taken
  // New requests get 503 from now on; returns once the exchanges that run are answered, or after the timeout.
  void drain(std::chrono::milliseconds timeout);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::http
