// SPDX-License-Identifier: Apache-2.0
// Control: the control thread's loop. Takes headgate-node's connection on the listening socket (a newer one
// replaces an older: the node was restarted), says Hello, takes Configure and HealthDelta, acknowledges what
// every worker looks at, reports Stats each second. Without a connection everything goes on as it is.
// Thread: control. Everything given to it outlives it.
#pragma once

#include <optional>
#include <vector>

#include "dataplane/contract/channel.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/fastpath/flow_file.hpp"
#include "dataplane/fastpath/packet_capturer.hpp"
#include "dataplane/fastpath/packet_explainer.hpp"
#include "dataplane/fastpath/stats.hpp"
#include "dataplane/fastpath/table_keeper.hpp"

namespace headgate::fastpath {

class Control {
 public:
  // `stop_signals` is a signalfd of what ends the process.
  Control(UniqueFd listener, UniqueFd stop_signals, TableKeeper& keeper, const Workers& workers,
          std::vector<const Port*> ports, std::vector<FlowFile>& flow_files,
          std::vector<contract::Notice> notices);

  // Until headgate-node has said what is balanced, or has taken too long: what came before went to the
  // kernel, which knows the VIPs' addresses but none of their connections, and would reset them.
  void await_configuration(Duration patience);
  void run();  // until Stop or a signal

 private:
  void turn();
  void accept_node();
  void lose_node();
  void read_messages();
  void handle(const contract::Message& message);
  void configure(const contract::Configure& message);
  void execute(const contract::Command& command);
  void acknowledge_if_applied();
  void report();
  void send(const contract::Message& message);
  int timeout_ms(TimePoint now) const;

  UniqueFd listener_;
  UniqueFd stop_signals_;
  TableKeeper* keeper_;
  const Workers* workers_;
  std::vector<const Port*> ports_;
  std::vector<FlowFile>* flow_files_;
  std::vector<contract::Notice> notices_;
  PacketExplainer explainer_;
  PacketCapturer capturer_;
  std::optional<contract::Channel> node_;
  contract::Revision unacknowledged_ = 0;  // taken, but not yet seen by all workers; 0: none
  bool law_broken_ = false;                // has been said
  bool stop_ = false;
  TimePoint report_at_{};
};

}  // namespace headgate::fastpath
