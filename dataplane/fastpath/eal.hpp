// SPDX-License-Identifier: Apache-2.0
// Eal: DPDK's environment, started once in main and ended with it: everything made with it (Pool, Port) is
// outlived by it. Huge pages where there are enough, else 4 KiB pages: slower, and the operator is told.
// Thread: the control thread.
#pragma once

#include <optional>
#include <string>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/fastpath/options.hpp"

namespace headgate::fastpath {

class Eal {
 public:
  // `pci`: the PCI address of the only device to take, or empty.
  static Result<Eal> start(const Options& options, const std::string& pci);
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

  const std::optional<contract::Notice>& notice() const { return notice_; }

 private:
  Eal() = default;
  bool started_ = false;
  std::optional<contract::Notice> notice_;
};

}  // namespace headgate::fastpath
