// SPDX-License-Identifier: Apache-2.0
// CollectorClient: posts one request after the other to a collector, over a connection that it keeps
// (libcurl). Threads: wake() any; everything else the exporter's own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/core/clock.hpp"

namespace headgate::otlp {

class CollectorClient {
 public:
  CollectorClient();
  ~CollectorClient();
  CollectorClient(const CollectorClient&) = delete;
  CollectorClient& operator=(const CollectorClient&) = delete;

  struct Answer {
    int status = 0;  // 0: there was none, and `failure` says why
    std::string failure;
    std::optional<std::chrono::seconds> retry_after;
  };
  // Blocks until the answer or the deadline, which is asked for again whenever somebody has called wake().
  Answer post(const std::string& url, const std::string& body, const std::function<TimePoint()>& deadline);

  // Blocks until wake(), or for as long. A wake() that came before is not lost.
  void wait(std::chrono::milliseconds longest);
  void wake();

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace headgate::otlp
