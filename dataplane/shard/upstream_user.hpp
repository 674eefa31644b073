// SPDX-License-Identifier: Apache-2.0
// UpstreamUser: whoever has a leg to a backend, an Exchange or a Mirror, and is told of its events. Thread:
// one.
#pragma once

namespace headgate::shard {

class UpstreamUser {
 public:
  virtual void on_connected() = 0;
  virtual void on_connect_failed() = 0;  // the leg still says why; abort() is due
  virtual void on_upstream_events() = 0;

 protected:
  ~UpstreamUser() = default;
};

}  // namespace headgate::shard
