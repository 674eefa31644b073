// SPDX-License-Identifier: Apache-2.0
// headgate-shard: one replica of an L7 shard. Started by headgate-node with its control socket as fd 3, or
// standalone with a snapshot from a file that it follows.
#include <csignal>
#include <cstdio>
#include <optional>

#include <CLI/CLI.hpp>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/shard/control_link.hpp"
#include "dataplane/shard/followed_files.hpp"

namespace {

using namespace headgate;

struct Options {
  std::string name = "standalone/0";
  unsigned threads = 1;
  std::string log_dir = ".";
  std::string snapshot;
  std::string secrets;
  uint64_t memory_max_bytes = 0;
  std::string hop_dir;
  std::optional<uid_t> shard_uid_base;
  log::Level log_level = log::Level::kInfo;
};

// Each client may need an upstream connection besides its own, and a thread its pipes.
std::size_t clients_within_fd_limit(unsigned threads) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) < 0) return 1;
  if (files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) < 0) ::getrlimit(RLIMIT_NOFILE, &files);
  }
  const rlim_t reserved = limits::kFdsReserved + rlim_t{threads} * 2 * limits::kPipesMax;
  return files.rlim_cur > reserved ? (files.rlim_cur - reserved) / 2 : 1;
}

std::string access_log_path(const Options& options) {
  std::string file = "shard-" + options.name + ".access.log";
  for (char& c : file)
    if (c == '/') c = '-';
  return options.log_dir + "/" + file;
}

Result<void> serve(const Options& options) {
  // Blocked in every thread, read by the control thread alone.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!signal_fd) return system_error(errno, "making a signal fd");

  auto process = shard::ShardProcess::start(
      {.name = options.name,
       .threads = options.threads,
       .access_log_path = access_log_path(options),
       .clients_max = clients_within_fd_limit(options.threads),
       .memory_max_bytes = options.memory_max_bytes,
       .hop = {
           .directory = options.hop_dir, .shard_uid_base = options.shard_uid_base, .own_uid = ::geteuid()}});
  if (!process.ok()) return std::move(process).error();
  if (options.snapshot.empty())
    return shard::ControlLink(**process, UniqueFd(contract::kControlSocketFd), std::move(signal_fd)).run();

  shard::FollowedFiles files(**process, options.snapshot, options.secrets, options.threads);
  if (auto served = files.serve(); !served.ok()) return served;
  for (const auto& notice : (*process)->notices())
    if (!notice.text.empty()) log::warning(notice.text);
  log::info("serving " + options.snapshot);
  return shard::ControlLink(**process, {}, std::move(signal_fd), [&] { files.look(); }).run();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"headgate-shard: one replica of an L7 shard"};
  app.set_version_flag("--version", HEADGATE_VERSION);
  app.add_option("--name", options.name, "SHARD/REPLICA")->capture_default_str();
  app.add_option("--threads", options.threads, "event loops")
      ->check(CLI::Range(1u, limits::kThreadsPerReplicaMax))
      ->capture_default_str();
  app.add_option("--log-dir", options.log_dir, "where the access log is written")->capture_default_str();
  app.add_option(
      "--snapshot", options.snapshot,
      "standalone: serve this file (a delta with base 0, as JSON), open the sockets here, and follow "
      "the file when it is replaced");
  app.add_option("--secrets", options.secrets,
                 "standalone: private keys by digest (as JSON), in a file of mode 0600; followed as well")
      ->needs("--snapshot");
  app.add_option("--memory-max-bytes", options.memory_max_bytes,
                 "what this process may use: near it new connections and requests are refused (default: no "
                 "limit)");
  app.add_option("--hop-dir", options.hop_dir, "where the hop sockets of this machine's shards are");
  app.add_option("--shard-uid-base", options.shard_uid_base,
                 "shard n runs as this user number + n (default: all as this process)");
  const std::map<std::string, log::Level> levels{{"debug", log::Level::kDebug},
                                                 {"info", log::Level::kInfo},
                                                 {"warning", log::Level::kWarning},
                                                 {"error", log::Level::kError}};
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(levels));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const std::string process_name = "headgate-shard " + options.name;
  log::start(process_name, options.log_level);
  if (auto served = serve(options); !served.ok()) {
    log::error(served.error().message);
    return 1;
  }
  return 0;
}
