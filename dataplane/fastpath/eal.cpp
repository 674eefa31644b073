// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/eal.hpp"

#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <unistd.h>

#include "dataplane/core/log.hpp"

namespace headgate::fastpath {
namespace {

constexpr unsigned kHugePageMb = 2;

unsigned free_huge_pages() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  unsigned pages = 0;
  return file >> pages ? pages : 0;
}

// EAL binds the thread that starts it to its lcore's CPUs: give it all that we may use, or the workers, which
// inherit them, would share one.
std::string allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return "0";
  std::string cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus += (cpus.empty() ? "" : ",") + std::to_string(cpu);
  return cpus;
}

std::vector<std::string> arguments(const Options& options, const std::string& pci, bool huge) {
  std::vector<std::string> all{"headgate-l4",
                               fmt::format("--lcores=0@({})", allowed_cpus()),
                               "--no-telemetry",
                               "--iova-mode=va",
                               "-m",
                               std::to_string(options.memory_mb)};
  const auto add = [&](std::initializer_list<std::string> more) { all.insert(all.end(), more); };
  if (huge)
    add({"--in-memory"});
  else
    add({"--no-huge", "--no-shconf"});
  add({fmt::format("--file-prefix=headgate-{}", getpid())});
  if (pci.empty())
    add({"--no-pci"});
  else
    add({"-a", pci});
  add({options.log_level == log::Level::kDebug ? "--log-level=*:info" : "--log-level=*:error"});
  return all;
}

}  // namespace

Result<Eal> Eal::start(const Options& options, const std::string& pci) {
  // libxdp's dispatcher needs a BPF file system that a network namespace or container may not have.
  ::setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
  Eal eal;
  const bool huge = options.pages == Pages::kAuto && free_huge_pages() * kHugePageMb >= options.memory_mb;
  auto words = arguments(options, pci, huge);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
    return Error{ErrorCode::kInternal, fmt::format("DPDK does not start: {}", rte_strerror(rte_errno))};
  eal.started_ = true;
  if (!huge && options.pages == Pages::kAuto)
    eal.notice_ = {
        "hugepages_missing",
        fmt::format("fewer than {} free huge pages of 2 MiB: using 4 KiB pages, which is slower (set "
                    "vm.nr_hugepages)",
                    options.memory_mb / kHugePageMb),
        false};
  return eal;
}

Eal::Eal(Eal&& other) noexcept
    : started_(std::exchange(other.started_, false)), notice_(std::move(other.notice_)) {}

Eal::~Eal() {
  if (started_) rte_eal_cleanup();
}

}  // namespace headgate::fastpath
