// SPDX-License-Identifier: Apache-2.0
// headgate-l4: takes packets from an uplink, balances those of the listeners over the local replicas and
// passes all others between the uplink and the kernel. Started by headgate-node with its control socket as
// fd 3.
#include "dataplane/core/log.hpp"
#include "dataplane/fastpath/bench.hpp"
#include "dataplane/fastpath/options.hpp"
#include "dataplane/fastpath/service.hpp"

int main(int argc, char** argv) {
  using namespace headgate;
  int exit_code = 0;
  const auto options = fastpath::parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  log::start("headgate-l4", options->log_level);
  const auto done = options->bench     ? fastpath::run_bench(*options)
                    : options->offline ? fastpath::run_offline(*options)
                                       : fastpath::run_service(*options);
  if (done.ok()) return 0;
  log::error(done.error().message);
  return 1;
}
