// SPDX-License-Identifier: Apache-2.0
// PacketExplainer: answers the command "explain": asks every worker where the packet's flow would go, since
// only the one that its packets come to remembers it, and says it by names. One question at a time. Thread:
// control. What it is given outlives it.
#pragma once

#include <deque>
#include <optional>

#include "dataplane/contract/explain.hpp"
#include "dataplane/contract/message.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/fastpath/stats.hpp"
#include "dataplane/fastpath/table_keeper.hpp"

namespace headgate::fastpath {

class PacketExplainer {
 public:
  PacketExplainer(const Workers& workers, const TableKeeper& keeper) : workers_(&workers), keeper_(&keeper) {}

  void take(contract::Command command);
  bool is_busy() const { return !commands_.empty(); }
  // The answer, once there is one; to be asked again and again while is_busy().
  std::optional<contract::CommandResult> look(TimePoint now);

 private:
  struct Asked {
    contract::PacketQuestion question;
    uint32_t number = 0;
    std::vector<l4::FlowAnswer> answers = {};  // of the first workers
    TimePoint deadline{};
  };
  Result<Asked> ask(const contract::Command& command, TimePoint now);
  contract::PacketAnswer answer(const Asked& asked) const;
  void describe_targets(const contract::L4Listener& listener, uint32_t chosen_id,
                        contract::PacketAnswer& answer) const;
  contract::CommandResult finish(bool ok, std::string body);

  const Workers* workers_;
  const TableKeeper* keeper_;
  std::deque<contract::Command> commands_;  // the first is the one that was asked
  std::optional<Asked> asked_;
  uint32_t number_ = 0;
};

}  // namespace headgate::fastpath
