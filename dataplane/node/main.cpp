// SPDX-License-Identifier: Apache-2.0
// headgate-node: one a machine. Wires the parts together, and turns signals into a planned stop.
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/core/units.hpp"
#include "dataplane/node/child_supervisor.hpp"
#include "dataplane/node/node.hpp"
#include "dataplane/node/run_lock.hpp"

namespace headgate::node {
namespace {

constexpr int kExitUsage = 2;

struct CommandLine {
  NodeOptions node;
  std::string uplink, uplink_driver = "auto", host_driver = "auto";
  std::vector<std::string> host_addresses, host_gateways;
  uid_t shard_uid_base = 61184;  // the start of systemd's range for dynamic users: nobody's by convention
  std::string drain_timeout = "10s";
  std::string log_level = "info";
  bool keep = false;
};

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::kDebug;
  if (name == "warning") return log::Level::kWarning;
  return name == "error" ? log::Level::kError : log::Level::kInfo;
}

void declare(CLI::App& app, CommandLine& line) {
  app.set_version_flag("--version", std::string(HEADGATE_VERSION));
  app.add_option("--api", line.node.management.api, "headgated's address")->required();
  app.add_option("--name", line.node.management.node, "this node's name in headgated")->required();
  app.add_option("--enrolment-token-file", line.node.management.enrolment_token_file,
                 "one-time token, for the first start");
  app.add_option("--api-ca", line.node.management.authority_file,
                 "PEM: who vouches for an https --api; default: whom the system believes");
  app.add_option(
      "--api-ca-fingerprint", line.node.management.authority_fingerprint,
      "SHA-256 of that authority's certificate, as the answer to the enrolment's request says it: it "
      "is fetched from the API and kept in --api-ca (default: api-ca.pem in --state-dir)");
  app.add_option("--state-dir", line.node.state_directory, "credential and last good state")->required();
  app.add_option("--run-dir", line.node.run_directory, "control sockets of the processes")->required();
  app.add_option("--uplink", line.uplink,
                 "interface or PCI address that takes the traffic; without it: no headgate-l4");
  app.add_option("--uplink-driver", line.uplink_driver)
      ->check(CLI::IsMember({"auto", "af_xdp", "af_packet", "pci"}))
      ->capture_default_str();
  app.add_option("--host-driver", line.host_driver)
      ->check(CLI::IsMember({"auto", "af_xdp", "af_packet", "tap"}))
      ->capture_default_str();
  app.add_option("--host-address", line.host_addresses, "the machine's own address on hg0, as 192.0.2.10/24");
  app.add_option("--host-gateway", line.host_gateways, "default gateway behind hg0");
  app.add_option("--program-dir", line.node.program_directory,
                 "where headgate-l4 and headgate-shard are (default: beside this)");
  app.add_option("--log-dir", line.node.log_directory, "the replicas' access logs, a directory each");
  app.add_option("--shard-uid-base", line.shard_uid_base, "shard n runs as this user number + n")
      ->capture_default_str();
  app.add_option("--drain-timeout", line.drain_timeout, "how long a stopped replica may finish its exchanges")
      ->capture_default_str();
  app.add_flag("--keep", line.keep,
               "on SIGTERM leave processes and network as they are, for the next headgate-node");
  app.add_option("--log-level", line.log_level)
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

Result<void> make_directories(NodeOptions& options) {
  using std::filesystem::perms;
  // The shards' users pass through the run directory to the hop sockets; what else is in it is closed to
  // them.
  constexpr auto kMayPass = perms::owner_all | perms::group_exec | perms::others_exec;
  for (const auto& [directory, permissions] :
       {std::pair{options.state_directory, perms::owner_all}, std::pair{options.run_directory, kMayPass}}) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (!error) std::filesystem::permissions(directory, permissions, error);
    if (error) return system_error(error.value(), "making " + directory.string());
  }
  if (options.program_directory.empty())
    options.program_directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return {};
}

Result<void> complete_network(CommandLine& line) {
  NetworkOptions network{.uplink = line.uplink, .host_addresses = {}, .gateways = {}};
  for (const auto& text : line.host_addresses) {
    const auto address = HostAddress::parse(text);
    if (!address) return Error{ErrorCode::kInvalid, "--host-address is like 192.0.2.10/24, not " + text};
    network.host_addresses.push_back(*address);
  }
  for (const auto& text : line.host_gateways) {
    const auto gateway = IpAddress::parse(text);
    if (!gateway) return Error{ErrorCode::kInvalid, "--host-gateway is an IP address, not " + text};
    network.gateways.push_back(*gateway);
  }
  line.node.network = std::move(network);
  return {};
}

// Whom to believe is of no use where nobody has to prove anything, but on this machine, where nobody is
// between.
Result<void> check_api_is_proved(const std::string& api) {
  for (const char* const begin : {"https://", "http://127.", "http://[::1]", "http://localhost:"})
    if (api.starts_with(begin)) return {};
  return Error{ErrorCode::kInvalid,
               "--api-ca and --api-ca-fingerprint need an --api that begins with https://, not " + api};
}

// "AB:CD…", as openssl writes it, or plain.
Result<void> complete_trust(NodeOptions& options) {
  auto& management = options.management;
  if (management.authority_fingerprint.empty() && management.authority_file.empty()) return {};
  if (auto proved = check_api_is_proved(management.api); !proved.ok()) return proved;
  if (management.authority_fingerprint.empty()) return {};
  std::string digits;
  for (const char c : management.authority_fingerprint)
    if (c != ':') digits.push_back(ascii::to_lower(c));
  if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{ErrorCode::kInvalid, "--api-ca-fingerprint is a SHA-256 of 64 hex digits, not " +
                                          management.authority_fingerprint};
  management.authority_fingerprint = digits;
  if (management.authority_file.empty()) management.authority_file = options.state_directory / "api-ca.pem";
  return {};
}

Result<void> complete(CommandLine& line) {
  auto& options = line.node;
  if (auto trusted = complete_trust(options); !trusted.ok()) return trusted;
  if (auto made = make_directories(options); !made.ok()) return made;
  const auto drain_timeout = parse_duration(line.drain_timeout);
  if (!drain_timeout)
    return Error{ErrorCode::kInvalid, "--drain-timeout is a duration like 10s, not " + line.drain_timeout};
  options.drain_timeout = *drain_timeout;
  options.log_level = line.log_level;
  options.management.credential_file = options.state_directory / "credential";
  if (::geteuid() == 0)
    options.shard_uid_base = line.shard_uid_base;
  else
    log::warning("not root: the replicas run as this user, without a user of their own each");
  if (line.uplink.empty()) return {};
  if (::geteuid() != 0)
    return Error{ErrorCode::kPermission, "--uplink needs root: run headgate-node with sudo"};
  // Of headgate-l4's flows: as the run directory, gone with the boot.
  const auto flow_directory = options.run_directory / "flows";
  std::error_code error;
  std::filesystem::create_directories(flow_directory, error);
  if (error) return system_error(error.value(), "making " + flow_directory.string());
  options.l4_arguments = {
      "--uplink",    line.uplink,     "--uplink-driver", line.uplink_driver, "--host",
      kHostPortPeer, "--host-driver", line.host_driver,  "--flow-dir",       flow_directory.string(),
      "--log-level", line.log_level};
  return complete_network(line);
}

// Every listening socket and control connection is an fd here.
void raise_fd_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Blocked for every thread, read from an fd: a signal is an event like any other.
UniqueFd signal_fd() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

int run(CommandLine& line) {
  const auto fail = [](const Error& error) {
    log::error(error.message);
    return 1;
  };
  const UniqueFd signals = signal_fd();
  raise_fd_limit();
  if (auto completed = complete(line); !completed.ok()) return fail(completed.error());
  auto lock = RunLock::take(line.node.run_directory);
  if (!lock.ok()) return fail(lock.error());

  EventLoop loop;
  struct stat run_directory {};
  ::stat(line.node.run_directory.c_str(), &run_directory);
  ChildSupervisor supervisor(
      MemoryCgroups::find(fmt::format("headgate-{}-{}", line.node.management.node, run_directory.st_ino)));
  Node node(loop, supervisor, line.node);
  bool stopping = false;
  const auto watch = loop.watch(signals.get(), EPOLLIN, [&](uint32_t) {
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != sizeof info) return;
    if (line.keep || std::exchange(stopping, true)) return loop.stop();  // the second one does not wait
    log::info("stopping: the replicas finish what they have begun");
    node.stop([&] { loop.stop(); });
  });
  if (auto started = node.start(); !started.ok()) return fail(started.error());
  loop.run();
  return 0;
}

}  // namespace
}  // namespace headgate::node

int main(int argc, char** argv) {
  using namespace headgate;
  CLI::App app("headgate-node: runs Headgate's data plane on one machine");
  node::CommandLine line;
  node::declare(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : node::kExitUsage;
  }
  log::start("headgate-node", node::level_of(line.log_level));
  return node::run(line);
}
