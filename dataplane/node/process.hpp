// SPDX-License-Identifier: Apache-2.0
// Process: one process that headgate-node watches: started or adopted, configured over its control socket,
// started again after it died, stopped when told. Thread: the node's loop. Outlived by the loop, the
// supervisor and everything that its callbacks touch; a callback never destroys the Process that calls it.
//
//   start() ─► starting ─Hello, first acknowledgement─► running ─stop()─► stopping ─► ended
//                 ▲                                        │ dies
//                 └──────────── backoff, crash_loop ◄──────┘
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/channel.hpp"
#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/node_api.hpp"
#include "dataplane/node/configuration_feed.hpp"
#include "dataplane/node/event_loop.hpp"
#include "dataplane/node/restart_policy.hpp"
#include "dataplane/node/secret_store.hpp"
#include "dataplane/node/supervisor.hpp"

namespace headgate::node {

class Process {
 public:
  struct Callbacks {
    std::function<void()> on_change;             // its status differs: worth a report
    std::function<void(Process&)> on_connected;  // after Hello and its configuration: health and sockets next
    std::function<void(Process&, contract::SocketSet, std::vector<UniqueFd>)> on_sockets;
    std::function<void(contract::CommandResult)> on_result;
    std::function<void(Process&)> on_ended;  // it was stopped and is gone
  };
  struct Surroundings {
    EventLoop& loop;
    Supervisor& supervisor;
    const contract::Snapshot& snapshot;  // the node's, as it is now
    const SecretStore& secrets;
    std::filesystem::path run_directory;
  };

  Process(Surroundings surroundings, ProcessSpec spec, Callbacks callbacks);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void start();
  // Goes on with one that an earlier headgate-node started; false where none lives.
  bool adopt();
  bool adopted() const { return adopted_; }
  // Gives its place in the run directory to a successor; it goes on under another name.
  void step_aside();
  // Takes it again, after the successor has left it.
  void step_back();
  // Finish what runs, take nothing new; killed when that takes longer.
  void stop(contract::Millis drain_timeout);
  // Finishes what must be finished and is started again.
  void restart();
  // Ends it at once; it is started again like any that died.
  void kill();

  void on_delta(const contract::Delta& delta);
  // Between the two it is told of no delta.
  void hold() { held_ = true; }
  void release();
  // These have come late: told, as far as what it has been told names them.
  void on_secrets(const SecretStore::Digests& digests);
  void set_health(const contract::HealthView& view);  // all that concerns it; sends what changed
  void send_sockets(const contract::SocketSet& set, const std::vector<int>& fds);
  void ask_for_sockets();
  void send_command(const contract::Command& command);

  const ProcessSpec& spec() const { return spec_; }
  bool connected() const { return greeted_; }
  bool lives() const { return static_cast<bool>(pidfd_); }
  bool crash_loops() const { return state_ == contract::ProcessState::kCrashLoop; }
  bool stopping() const { return state_ == contract::ProcessState::kStopping; }
  // Whether it serves: it has acknowledged a configuration and lives.
  bool serving() const { return state_ == contract::ProcessState::kRunning; }
  // Whether a connection to it is answered: it serves, or it did when this headgate-node came and adopted it.
  bool can_serve() const { return serving() || (adopted_ && state_ == State::kStarting); }
  contract::Revision applied() const { return feed_.applied(); }
  contract::ProcessStatus status() const;
  const contract::Stats& stats() const { return stats_; }

 private:
  using State = contract::ProcessState;

  std::filesystem::path record_path() const;
  void remove_files() const;
  void move_files(std::filesystem::path socket_path);
  Result<void> start_child();
  Result<void> connect();
  void watch_death(UniqueFd pidfd);
  void on_ready(uint32_t epoll_events);
  void on_message(contract::Received received);
  void on_hello(const contract::Hello& hello);
  void on_acknowledgement(const contract::Acknowledgement& acknowledgement);
  void on_notice(contract::Notice notice);
  void on_result(contract::CommandResult result);
  void on_death(std::string how);
  void start_again_later();
  void lose_channel(const std::string& reason);
  void send(const contract::Message& message, const std::vector<int>& fds = {});
  void configure();
  void send_secrets(const SecretStore::Digests& digests);
  void set_state(State state);
  void kill_hung(const std::string& reason);
  void fail_commands(const std::string& reason);

  Surroundings surroundings_;
  ProcessSpec spec_;
  Callbacks callbacks_;
  std::filesystem::path socket_path_;
  ConfigurationFeed feed_;
  RestartPolicy restart_policy_;

  State state_ = State::kStarting;
  bool adopted_ = false;
  bool greeted_ = false;  // Hello came on the channel that is open
  bool held_ = false;
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  TimePoint started_at_{};
  contract::Millis drain_timeout_{};
  uint32_t restarts_ = 0;
  std::string last_exit_;
  std::map<std::string, contract::Notice> notices_;  // by code
  contract::Stats stats_;
  contract::HealthView health_;                       // what it should know
  contract::HealthView health_sent_;                  // what it was told on this channel
  std::map<std::string, EventLoop::Timer> commands_;  // by id: each is answered, at the latest by its timer

  std::optional<contract::Channel> channel_;
  EventLoop::Watch channel_watch_, death_watch_;  // before what they watch is closed: declared after it
  EventLoop::Timer start_timer_, hello_timer_, connect_timer_, kill_timer_;
};

}  // namespace headgate::node
