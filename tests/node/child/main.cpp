// SPDX-License-Identifier: Apache-2.0
// A process as headgate-node runs them, small enough to do anything a test wants: speaks the contract on fd
// 3, answers each TCP connection with its pid and closes it. Stands where headgate-shard or headgate-l4 would
// in a test's program directory. Commands: "echo" answers the body, "refuse" makes it refuse what comes next,
// "accept" ends that, "hang" makes it deaf, "identity" tells of its user and limits, "told" which secrets and
// configurations came, in their order.
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/contract/channel.hpp"
#include "dataplane/contract/snapshot.hpp"

namespace {

using namespace headgate;

class Child {
 public:
  explicit Child(std::string process) : process_(std::move(process)) {}

  int run() {
    while (!stopped_) {
      std::vector<pollfd> fds{{contract::kControlSocketFd, POLLIN, 0}};
      if (channel_) fds.push_back({channel_->fd(), POLLIN, 0});
      const auto first_socket = fds.size();
      for (const auto& fd : sockets_) fds.push_back({fd.get(), POLLIN, 0});
      ::poll(fds.data(), fds.size(), -1);
      for (auto i = first_socket; i < fds.size(); ++i)
        if (fds[i].revents & POLLIN) answer(fds[i].fd);
      if (channel_ && fds[1].revents != 0) read_messages();
      if (fds[0].revents & POLLIN) accept_node();
    }
    return 0;
  }

 private:
  void accept_node() {
    channel_.emplace(UniqueFd(::accept4(contract::kControlSocketFd, nullptr, nullptr, SOCK_CLOEXEC)));
    send(contract::Hello{process_, "test", static_cast<int32_t>(::getpid()), snapshot_.revision});
  }

  void answer(int listening) {
    const UniqueFd connection(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return;
    const auto text = std::to_string(::getpid()) + "\n";
    [[maybe_unused]] const auto sent = ::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  void read_messages() {
    while (channel_) {
      auto received = channel_->receive();
      if (!received.ok()) return channel_.reset();
      if (!received->has_value()) return;
      on_message(**received);
    }
  }

  void on_message(contract::Received& received) {
    if (const auto* configure = std::get_if<contract::Configure>(&received.message)) {
      told_ += "configure " + std::to_string(configure->delta.revision) + "\n";
      auto applied = refusing_ ? Result<void>(Error{ErrorCode::kInvalid, "told to refuse"})
                               : contract::apply(snapshot_, configure->delta);
      send(contract::Acknowledgement{configure->delta.revision, applied.ok(),
                                     applied.ok() ? "" : applied.error().message});
    } else if (const auto* secrets = std::get_if<contract::Secrets>(&received.message)) {
      for (const auto& secret : secrets->secrets)
        told_ += "secret " + secret.digest + " " + secret.bytes + "\n";
    } else if (const auto* set = std::get_if<contract::SocketSet>(&received.message)) {
      set_ = *set;
      sockets_ = std::move(received.fds);
    } else if (std::holds_alternative<contract::SocketsWanted>(received.message)) {
      std::vector<int> fds;
      for (const auto& fd : sockets_) fds.push_back(fd.get());
      if (channel_) (void)channel_->send(set_, fds).ok();
    } else if (const auto* health = std::get_if<contract::HealthDelta>(&received.message)) {
      contract::apply_health(health_, *health);
    } else if (const auto* command = std::get_if<contract::Command>(&received.message)) {
      on_command(*command);
    } else if (std::holds_alternative<contract::Stop>(received.message)) {
      stopped_ = true;
    }
  }

  void on_command(const contract::Command& command) {
    if (command.verb == "refuse") refusing_ = true;
    if (command.verb == "accept") refusing_ = false;
    std::string body = command.body;
    if (command.verb == "identity") body = identity();
    if (command.verb == "health") body = health();
    if (command.verb == "told") body = told_;
    send(contract::CommandResult{command.id, true, body});
    if (command.verb == "hang") ::pause();
  }

  static std::string identity() {
    std::ostringstream text;
    rlimit files{}, core{}, data{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    ::getrlimit(RLIMIT_CORE, &core);
    ::getrlimit(RLIMIT_DATA, &data);
    text << "uid=" << ::getuid() << " gid=" << ::getgid() << " groups=" << ::getgroups(0, nullptr)
         << " no_new_privs=" << ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) << " files=" << files.rlim_cur
         << " core=" << core.rlim_cur << " leader=" << (::getsid(0) == ::getpid()) << "\n";
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("Cap")) text << line << "\n";
    text << std::ifstream("/proc/self/cgroup").rdbuf();
    return text.str();
  }

  std::string health() const {
    std::string text;
    for (const auto& [key, member] : health_)
      for (const auto& endpoint : member.endpoints)
        text += key.group + " " + key.member + " " + endpoint.endpoint.to_string() +
                (endpoint.usable ? " up\n" : " down\n");
    return text;
  }

  void send(const contract::Message& message) {
    if (channel_ && !channel_->send(message).ok()) channel_.reset();
  }

  std::string process_, told_;
  bool stopped_ = false, refusing_ = false;
  contract::Snapshot snapshot_;
  contract::HealthView health_;
  contract::SocketSet set_;
  std::vector<UniqueFd> sockets_;
  std::optional<contract::Channel> channel_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string process = "l4";
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string(argv[i]) == "--name") process = std::string("shard/") + argv[i + 1];
  return Child(process).run();
}
