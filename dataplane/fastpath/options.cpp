// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/options.hpp"

#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

namespace headgate::fastpath {
namespace {

const std::map<std::string, Driver> kUplinkDrivers{{"auto", Driver::kAuto},
                                                   {"af_xdp", Driver::kAfXdp},
                                                   {"af_packet", Driver::kAfPacket},
                                                   {"pci", Driver::kPci}};
const std::map<std::string, Driver> kHostDrivers{{"auto", Driver::kAuto},
                                                 {"af_xdp", Driver::kAfXdp},
                                                 {"af_packet", Driver::kAfPacket},
                                                 {"tap", Driver::kTap}};
const std::map<std::string, PollMode> kPollModes{{"adaptive", PollMode::kAdaptive},
                                                 {"busy", PollMode::kBusy}};
const std::map<std::string, Pages> kPages{{"auto", Pages::kAuto}, {"small", Pages::kSmall}};
const std::map<std::string, log::Level> kLevels{{"debug", log::Level::kDebug},
                                                {"info", log::Level::kInfo},
                                                {"warning", log::Level::kWarning},
                                                {"error", log::Level::kError}};

struct Parsed {
  Options options;
  std::vector<std::string> pcap_uplink;
  std::vector<std::string> pcap_host;
  std::string snapshot;
  std::vector<std::string> neighbours;
  std::vector<std::string> sources;
  BenchOptions bench;
};

std::optional<std::pair<IpAddress, MacAddress>> parse_neighbour(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, equals));
  const auto mac = parse_mac_address(text.substr(equals + 1));
  if (!address || !mac) return std::nullopt;
  return std::pair(*address, *mac);
}

void declare_bench(CLI::App& app, Parsed& parsed) {
  app.fallthrough();
  app.add_option("--flows-list", parsed.bench.flows, "numbers of flows to measure with")->delimiter(',');
  app.add_option("--only", parsed.bench.only, "the case to measure, all others left out");
  app.add_option("--rounds", parsed.bench.rounds, "measurements of which the median counts")
      ->check(CLI::Range(1, 99));
  app.add_option("--milliseconds", parsed.bench.milliseconds, "length of one measurement")
      ->check(CLI::Range(10, 60'000));
  app.add_option("--json", parsed.bench.json_file, "where the figures go as JSON");
}

void declare(CLI::App& app, Parsed& parsed) {
  Options& options = parsed.options;
  app.set_version_flag("--version", "headgate-l4 " HEADGATE_VERSION);
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(kLevels));
  app.add_option("--uplink", options.uplink.device,
                 "interface or PCI address that carries the clients' packets");
  app.add_option("--uplink-driver", options.uplink.driver, "auto, af_xdp, af_packet or pci")
      ->transform(CLI::CheckedTransformer(kUplinkDrivers));
  app.add_option("--host", options.host.device, "interface whose other end is the kernel's hg0");
  app.add_option("--host-driver", options.host.driver, "auto, af_xdp, af_packet or tap")
      ->transform(CLI::CheckedTransformer(kHostDrivers));
  app.add_option("--host-link", options.host_link,
                 "that end: its routes and neighbours lead to other machines");
  app.add_option("--workers", options.workers, "worker threads, one queue of each port to each")
      ->check(CLI::Range(std::size_t{1}, limits::kWorkersMax));
  app.add_option("--poll", options.poll, "adaptive or busy")->transform(CLI::CheckedTransformer(kPollModes));
  app.add_option("--pages", options.pages, "auto or small")->transform(CLI::CheckedTransformer(kPages));
  app.add_option("--memory-mb", options.memory_mb, "memory for packets")->check(CLI::Range(64, 65'536));
  app.add_option("--flows", options.flows, "flows that a worker remembers of each address family")
      ->check(CLI::Range(1024, 64 << 20));
  app.add_option("--flow-dir", options.flow_directory,
                 "on a tmpfs: where flows are kept, for the next headgate-l4 to know them");
  app.add_option("--pcap-uplink", parsed.pcap_uplink, "offline: packets IN and OUT of the uplink")
      ->expected(2);
  app.add_option("--pcap-host", parsed.pcap_host, "offline: packets IN and OUT of the host port")
      ->expected(2);
  app.add_option("--snapshot", parsed.snapshot, "offline: configuration, a delta of base 0 as JSON");
  app.add_option("--neighbour", parsed.neighbours, "offline: ADDRESS=MAC of a machine on the uplink")
      ->check([](const std::string& text) {
        return parse_neighbour(text) ? "" : "is no ADDRESS=MAC, like 192.0.2.7=02:00:00:00:00:07";
      });
  app.add_option("--source", parsed.sources,
                 "offline: this machine's ADDRESS, where tunnels and fullnat begin, one a family")
      ->check([](const std::string& text) { return IpAddress::parse(text) ? "" : "is no IP address"; });
}

const char* usage_fault(const Parsed& parsed, bool bench) {
  const bool offline = !parsed.pcap_uplink.empty() || !parsed.pcap_host.empty() || !parsed.snapshot.empty();
  if (bench) return offline ? "bench takes no pcap files" : nullptr;
  if (!offline && !parsed.neighbours.empty()) return "only offline takes --neighbour";
  if (!offline && !parsed.sources.empty()) return "only offline takes --source";
  if (offline && (parsed.pcap_uplink.empty() || parsed.pcap_host.empty() || parsed.snapshot.empty()))
    return "offline needs all of --pcap-uplink, --pcap-host and --snapshot";
  if (!offline && (parsed.options.uplink.device.empty() || parsed.options.host.device.empty()))
    return "--uplink and --host are needed";
  return nullptr;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  CLI::App app(
      "headgate-l4: balances packets between an uplink and the kernel's hg0; its control socket is fd 3");
  Parsed parsed;
  declare(app, parsed);
  CLI::App* bench = app.add_subcommand("bench", "measure the packet path without a NIC");
  declare_bench(*bench, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  if (const char* fault = usage_fault(parsed, bench->parsed())) {
    std::cerr << "headgate-l4: " << fault << " (see --help)\n";
    exit_code = 2;
    return std::nullopt;
  }
  if (bench->parsed()) parsed.options.bench = parsed.bench;
  if (!parsed.snapshot.empty()) {
    auto& offline = parsed.options.offline.emplace();
    offline.uplink = {parsed.pcap_uplink[0], parsed.pcap_uplink[1]};
    offline.host = {parsed.pcap_host[0], parsed.pcap_host[1]};
    offline.snapshot = parsed.snapshot;
    for (const auto& text : parsed.neighbours) offline.neighbours.push_back(*parse_neighbour(text));
    for (const auto& text : parsed.sources) offline.sources.push_back(*IpAddress::parse(text));
  }
  return parsed.options;
}

}  // namespace headgate::fastpath
