// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/service.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/fastpath/control.hpp"
#include "dataplane/fastpath/eal.hpp"

namespace headgate::fastpath {
namespace {

Result<UniqueFd> control_socket() {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (::getsockopt(contract::kControlSocketFd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 ||
      listening == 0)
    return Error{
        ErrorCode::kInvalid,
        "fd 3 is no listening socket: headgate-l4 is started by headgate-node (or use --pcap-uplink)"};
  return UniqueFd(contract::kControlSocketFd);
}

// Before any thread: they inherit the mask, so that the signals come to the signalfd alone.
Result<UniqueFd> stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return system_error(errno, "signalfd");
  return fd;
}

// Below those that the kernel gives its own connections, or above where there are more: what comes to one of
// them from a backend's port is a flow's by fullnat, or nobody's.
l4::NatPorts nat_ports(std::vector<contract::Notice>& notices) {
  unsigned first = 32768;
  unsigned last = 60999;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
  l4::NatPorts ports;
  if (first > UINT16_MAX || last > UINT16_MAX || first > last) return ports;
  if (first > ports.first + (UINT16_MAX - last))
    ports.last = static_cast<uint16_t>(first - 1);
  else if (last < UINT16_MAX - limits::kWorkersMax * l4::NatPorts::kPerGroup)
    ports = {.first = static_cast<uint16_t>(last + 1), .last = UINT16_MAX};
  else
    notices.push_back(
        {"nat_ports_shared",
         fmt::format("net.ipv4.ip_local_port_range is {} to {}: leave {} to {} out of it for "
                     "forwarding by fullnat, or it and the machine's own connections share ports",
                     first, last, ports.first, ports.last),
         false});
  return ports;
}

constexpr auto kConfigurationPatience = std::chrono::seconds(1);

uint64_t random_secret() {
  uint64_t secret = 0;
  while (::getrandom(&secret, sizeof secret, 0) != sizeof secret) {
  }
  return secret;
}

void run_worker(Worker& worker, unsigned index) {
  ::pthread_setname_np(::pthread_self(), fmt::format("l4-worker-{}", index).c_str());
  if (rte_thread_register() != 0) log::warning("a worker goes without DPDK's per-thread caches");
  worker.run();
  rte_thread_unregister();
}

// One a worker, or none of all.
std::vector<FlowFile> open_flow_files(const Options& options, l4::NatPorts ports,
                                      std::vector<contract::Notice>& notices) {
  std::vector<FlowFile> files;
  for (unsigned i = 0; !options.flow_directory.empty() && i < options.workers; ++i) {
    const auto path = std::filesystem::path(options.flow_directory) / fmt::format("worker-{}", i);
    ports.worker = static_cast<uint16_t>(i);
    auto file = FlowFile::open(path, {options.flows, ports}, random_secret(), monotonic_now());
    if (!file.ok()) {
      notices.push_back(
          {"flows_not_kept", file.error().message + ": flows are forgotten at a restart", false});
      return {};
    }
    files.push_back(std::move(*file));
  }
  return files;
}

Workers make_workers(const Options& options, TableKeeper& keeper, const Port& uplink, const Port& host,
                     const l4::NatPorts& nat_ports, const std::vector<FlowFile>& flow_files) {
  Workers workers;
  l4::PipelineOptions pipeline{.flows = options.flows, .secret = random_secret(), .uplink_mac = uplink.mac()};
  pipeline.nat_ports = nat_ports;
  for (unsigned i = 0; i < options.workers; ++i) {
    pipeline.nat_ports.worker = static_cast<uint16_t>(i);
    if (i < flow_files.size()) {
      pipeline.secret = flow_files[i].secret();
      pipeline.flow_file = flow_files[i].room();
    }
    WorkerPorts ports{uplink.queue(i), host.queue(i), uplink.fds()};
    ports.fds.insert(ports.fds.end(), host.fds().begin(), host.fds().end());
    workers.push_back(std::make_unique<Worker>(std::move(ports), keeper.reads(i), pipeline, options.poll));
  }
  return workers;
}

}  // namespace

Result<void> run_service(const Options& options) {
  auto listener = control_socket();
  if (!listener.ok()) return std::move(listener).error();
  auto signals = stop_signals();
  if (!signals.ok()) return std::move(signals).error();
  auto eal =
      Eal::start(options, options.uplink.device.find(':') != std::string::npos ? options.uplink.device : "");
  if (!eal.ok()) return std::move(eal).error();
  std::vector<contract::Notice> notices;
  if (eal->notice()) notices.push_back(*eal->notice());
  // The uplink first: while only hg0 were ours, the kernel would see the uplink's packets and answer them.
  auto uplink = Port::open("uplink", options.uplink, options.workers, notices);
  if (!uplink.ok()) return std::move(uplink).error();
  auto host = Port::open("host", options.host, options.workers, notices);
  if (!host.ok()) return std::move(host).error();
  auto ports = nat_ports(notices);
  ports.workers = static_cast<uint16_t>(options.workers);
  auto flow_files = open_flow_files(options, ports, notices);
  for (const auto& notice : notices) log::warning(notice.text);

  auto next_hops = NextHopKeeper::open(options.host_link, uplink->mac());
  if (!next_hops.ok()) return std::move(next_hops).error();
  next_hops->answers_may_come_to_others(options.workers > 1);
  TableKeeper keeper(options.workers, std::move(*next_hops));
  const Workers workers = make_workers(options, keeper, *uplink, *host, ports, flow_files);
  Control control(std::move(*listener), std::move(*signals), keeper, workers, {&*uplink, &*host}, flow_files,
                  notices);
  control.await_configuration(kConfigurationPatience);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < workers.size(); ++i) threads.emplace_back(run_worker, std::ref(*workers[i]), i);
  const bool found_flows = !flow_files.empty() && flow_files.front().found_flows();
  log::info(found_flows ? "the flows of the process before are known" : "no flows are known yet");
  log::info(fmt::format("uplink {} by {}, host {} by {}, {} worker(s)", options.uplink.device,
                        uplink->driver(), options.host.device, host->driver(), workers.size()));
  control.run();
  for (const auto& worker : workers) worker->stop();
  for (auto& thread : threads) thread.join();
  uplink->close();
  host->close();
  return {};
}

}  // namespace headgate::fastpath
