// SPDX-License-Identifier: Apache-2.0
// PassthroughLeg: ClientLeg over a connection whose TLS does not end here. There is no head and no framing:
// once the backend is there both bodies are what comes and goes, and each side's end is passed on by itself.
// Before that, all that can be said is an alert and an end. Thread: one; the Workbench's slab owns it, its
// ClientConnection outlives its use.
#pragma once

#include "dataplane/shard/block.hpp"
#include "dataplane/shard/client_leg.hpp"
#include "dataplane/shard/outbox.hpp"

namespace headgate::shard {

struct Workbench;

class PassthroughLeg final : public ClientLeg {
 public:
  explicit PassthroughLeg(Workbench& bench) : bench_(bench) {}

  void open(ClientConnection& connection);

  bool at_hand() const override { return false; }
  Flow read(BodyPiece& piece) override;
  void pass_over() override {}
  void queue_head(const l7::ResponseHead&) override {}
  void queue(const BodyPiece& piece) override;
  Flow flush() override;
  void begin_tunnel() override;
  bool half_closes() const override { return true; }
  void again() override;
  void finish() override;
  void abort() override;

 private:
  Workbench& bench_;
  bool tunnel_ = false;
  bool ended_ = false;  // nothing more goes to the client: the FIN follows the rest
  BlockPtr block_;
  Outbox outbox_;
};

}  // namespace headgate::shard
