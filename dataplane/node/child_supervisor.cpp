// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/child_supervisor.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/node/node_plan.hpp"

namespace headgate::node {
namespace {

// What a child may know of our environment: how to log, and what sanitizers and the clock need.
constexpr std::array<std::string_view, 8> kEnvironmentKept{
    "PATH=",         "LANG=",          "TZ=",           "JOURNAL_STREAM=",
    "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS="};
// l4's XDP program is alone on its interfaces: libxdp's dispatcher would only add a detour.
constexpr const char* kSkipDispatcher = "LIBXDP_SKIP_DISPATCHER=1";

// All that the child needs, made before the fork: after it only async-signal-safe calls are allowed, because
// other threads (the resolver's) may have held a lock.
struct Launch {
  const char* program;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  int control_fd;
  int cgroup_fd;  // -1: none
  int null_fd;
  int report_fd;  // the failed step's errno and name; close-on-exec says that exec succeeded
  const ProcessSpec* spec;
};

struct Failure {
  int errno_value;
  std::array<char, 60> step;
};

[[noreturn]] void fail(const Launch& launch, const char* step) {
  Failure failure{errno, {}};
  std::strncpy(failure.step.data(), step, failure.step.size() - 1);
  [[maybe_unused]] const auto written = ::write(launch.report_fd, &failure, sizeof failure);
  ::_exit(127);
}

bool set_limit(int resource, rlim_t value) {
  const rlimit limit{value, value};
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0;
}

// Not even root may go past the hard limit without CAP_SYS_RESOURCE (a container): then as far as it goes,
// and headgate-shard accepts as many connections as that carries.
bool set_fd_limit(rlim_t wanted) {
  if (set_limit(RLIMIT_NOFILE, wanted)) return true;
  rlimit granted{};
  return errno == EPERM && ::getrlimit(RLIMIT_NOFILE, &granted) == 0 &&
         set_limit(RLIMIT_NOFILE, granted.rlim_max);
}

// The kernel clears the effective set when root becomes another user; this closes the ways back.
bool drop_privileges(const ProcessUser& user) {
  for (unsigned long capability = 0; capability <= CAP_LAST_CAP; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // EINVAL for those this kernel does not have
  if (::setgroups(0, nullptr) != 0) return false;
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return false;
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return false;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  return ::syscall(SYS_capset, &header, none) == 0;
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const Launch& launch) {
  const ProcessSpec& spec = *launch.spec;
  if (::setsid() < 0) fail(launch, "setsid");
  reset_signals();
  if (launch.cgroup_fd >= 0 && ::write(launch.cgroup_fd, "0", 1) != 1) fail(launch, "entering its cgroup");
  if (spec.memory_max_bytes != 0 && launch.cgroup_fd < 0 && !set_limit(RLIMIT_DATA, spec.memory_max_bytes))
    fail(launch, "RLIMIT_DATA");
  if (spec.fds_max != 0 && !set_fd_limit(spec.fds_max)) fail(launch, "RLIMIT_NOFILE");
  if (!set_limit(RLIMIT_CORE, 0)) fail(launch, "RLIMIT_CORE");
  if (spec.user && !drop_privileges(*spec.user)) fail(launch, "becoming its user");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(launch, "no_new_privs");
  if (::dup2(launch.null_fd, STDIN_FILENO) < 0 || ::dup2(launch.null_fd, STDOUT_FILENO) < 0)
    fail(launch, "redirecting its input");
  // Onto the number last, and through a copy above it: the report or cgroup fd may sit there.
  const int control = ::fcntl(launch.control_fd, F_DUPFD_CLOEXEC, contract::kControlSocketFd + 1);
  const int report = ::fcntl(launch.report_fd, F_DUPFD_CLOEXEC, contract::kControlSocketFd + 1);
  Launch moved{};
  moved.report_fd = report;
  if (control < 0 || report < 0 || ::dup2(control, contract::kControlSocketFd) < 0)
    fail(moved, "passing the control socket");
  ::syscall(SYS_close_range, contract::kControlSocketFd + 1, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
  ::execve(launch.program, launch.arguments.data(), launch.environment.data());
  fail(moved, "executing the program");
}

std::vector<std::string> kept_environment() {
  std::vector<std::string> kept{kSkipDispatcher};
  for (char** variable = environ; *variable != nullptr; ++variable)
    for (const auto prefix : kEnvironmentKept)
      if (std::string_view(*variable).starts_with(prefix)) kept.emplace_back(*variable);
  return kept;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<void> make_log_directory(const ProcessSpec& spec) {
  if (spec.log_directory.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(spec.log_directory, error);
  if (error) return system_error(error.value(), "making " + spec.log_directory.string());
  if (!spec.user) return {};
  if (::chown(spec.log_directory.c_str(), spec.user->uid, spec.user->gid) != 0 ||
      ::chmod(spec.log_directory.c_str(), 0750) != 0)
    return system_error(errno, "handing over " + spec.log_directory.string());
  return {};
}

// Nothing where the exec succeeded: then the other end was closed with nothing written.
std::optional<Failure> read_failure(int fd) {
  Failure failure{};
  ssize_t got = 0;
  do {
    got = ::read(fd, &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof failure) return std::nullopt;
  return failure;
}

}  // namespace

Result<StartedProcess> ChildSupervisor::start(const ProcessSpec& spec, const UniqueFd& control_socket) {
  if (auto made = make_log_directory(spec); !made.ok()) return std::move(made).error();
  UniqueFd cgroup;
  if (spec.memory_max_bytes != 0 && cgroups_.available()) {
    auto entrance = cgroups_.limit(file_name_of_process(spec.process), spec.memory_max_bytes);
    if (!entrance.ok()) return std::move(entrance).error();
    cgroup = std::move(*entrance);
  }
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  int report[2];
  if (!null || ::pipe2(report, O_CLOEXEC) != 0) return system_error(errno, "starting " + spec.process);
  const UniqueFd report_read(report[0]);
  UniqueFd report_write(report[1]);

  std::vector<std::string> arguments{spec.program.string()};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  auto environment = kept_environment();
  const Launch launch{.program = spec.program.c_str(),
                      .arguments = pointers_to(arguments),
                      .environment = pointers_to(environment),
                      .control_fd = control_socket.get(),
                      .cgroup_fd = cgroup.get(),
                      .null_fd = null.get(),
                      .report_fd = report_write.get(),
                      .spec = &spec};
  const pid_t pid = ::fork();
  if (pid < 0) return system_error(errno, "forking for " + spec.process);
  if (pid == 0) run_child(launch);
  report_write.reset();
  // The pid cannot be another's yet: it stays ours until finish() has waited for it.
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (const auto failure = read_failure(report_read.get())) {
    ::waitpid(pid, nullptr, 0);
    cgroups_.remove(file_name_of_process(spec.process));
    return system_error(failure->errno_value, fmt::format("starting {} ({}): {}", spec.process,
                                                          spec.program.string(), failure->step.data()));
  }
  if (!pidfd) {
    const int errno_value = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return system_error(errno_value, "watching " + spec.process);
  }
  return StartedProcess{pid, std::move(pidfd)};
}

std::string ChildSupervisor::finish(const ProcessSpec& spec, const UniqueFd& pidfd) {
  siginfo_t info{};
  const int waited = ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED);
  cgroups_.remove(file_name_of_process(spec.process));
  if (waited != 0) return "ended; how is not known, because an earlier headgate-node had started it";
  if (info.si_code == CLD_EXITED) return fmt::format("status {}", info.si_status);
  return fmt::format("signal {}", info.si_status);
}

}  // namespace headgate::node
