// SPDX-License-Identifier: Apache-2.0
// Options: the command line of headgate-l4, parsed and checked. Plain values, read by main and handed on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/core/mac_address.hpp"

namespace headgate::fastpath {

enum class Driver : uint8_t { kAuto, kAfXdp, kAfPacket, kPci, kTap };
enum class PollMode : uint8_t {
  kAdaptive,  // blocks when idle: no core is burnt
  kBusy,      // never blocks: for machines whose cores belong to us
};
enum class Pages : uint8_t { kAuto, kSmall };  // huge where there are enough, or 4 KiB

struct PortOptions {
  std::string device;  // interface or PCI address
  Driver driver = Driver::kAuto;
};

struct PcapFiles {
  std::string in;
  std::string out;
};

// Packets from file to file, the configuration from a file too.
struct OfflineOptions {
  PcapFiles uplink;
  PcapFiles host;
  std::string snapshot;  // a Delta of base 0, as contract/codec.hpp spells it
  // There is no kernel to ask: of the uplink, and where tunnels and fullnat begin, one a family.
  std::vector<std::pair<IpAddress, MacAddress>> neighbours;
  std::vector<IpAddress> sources;
};

struct BenchOptions {
  std::vector<uint32_t> flows{65'536, 1u << 20, 4u << 20};
  std::string only;  // a case; empty: all
  unsigned rounds = 5;
  unsigned milliseconds = 500;  // of one measurement
  std::string json_file;
};

struct Options {
  log::Level log_level = log::Level::kInfo;
  PortOptions uplink;
  PortOptions host;
  std::string host_link = "hg0";  // the kernel's end of it
  unsigned workers = 1;
  PollMode poll = PollMode::kAdaptive;
  Pages pages = Pages::kAuto;
  unsigned memory_mb = 128;
  std::size_t flows = limits::kFlowsPerWorker;
  std::string flow_directory;  // on a tmpfs: what is known of flows outlives the process; empty: it does not
  std::optional<OfflineOptions> offline;
  std::optional<BenchOptions> bench;
};

// Nothing where the process is to end at once with `exit_code`: --help, --version, bad usage (2).
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace headgate::fastpath
