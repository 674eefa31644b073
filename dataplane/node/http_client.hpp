// SPDX-License-Identifier: Apache-2.0
// HttpClient: HTTP requests to headgated by libcurl's multi interface inside the event loop; the only place
// that knows libcurl. Connections are kept and used again. Thread: the node's loop, which outlives it. A
// request whose client is destroyed is never answered.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "dataplane/node/event_loop.hpp"

namespace headgate::node {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string bearer_token;  // empty: none
  std::string body;          // JSON
  bool unverified = false;   // whoever answers: for what proves itself
  std::chrono::milliseconds timeout{10'000};
};

struct HttpAnswer {
  int status = 0;  // 0: there was no answer
  std::string body;
  std::string failure;  // why not: "Couldn't connect to server"
};

class HttpClient {
 public:
  // `authority_file`: PEM, by whom a server that speaks TLS is proved, and by nobody else; it may come after
  // this and before the first request. Empty: by whom the system believes.
  explicit HttpClient(EventLoop& loop, const std::filesystem::path& authority_file = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The callback comes from the loop, never from inside send().
  void send(HttpRequest request, std::function<void(HttpAnswer)> on_answer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::node
