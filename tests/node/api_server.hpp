// SPDX-License-Identifier: Apache-2.0
// ApiServer: the calls of /v1 that a node makes, on a loopback port, for tests of headgate-node alone:
// a test says what headgated would, and waits for what the node reports. One thread a connection; every wait
// has a deadline, so a test fails instead of hanging.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/contract/secret.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

class ApiServer {
 public:
  ApiServer();
  ~ApiServer();

  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // The next revision: the node gets the difference to what it says that it has.
  void publish(std::map<contract::ObjectKey, contract::ObjectPtr> objects);
  void command(const contract::AddressedCommand& command);
  void put_secret(const contract::Secret& secret);
  void set_authority(const std::string& pem);  // that /v1/ca shows
  void refuse_credentials();                   // as a headgated with another database would
  void hang_up();                 // stops listening and drops every connection; publish() still prepares
  void listen_again();            // on the same port
  contract::Revision revision();  // of the last publish()
  unsigned enrolments();
  uint64_t reports();
  unsigned full_deltas();
  unsigned secrets_given();
  unsigned authorities_shown();

  // The first report that `fits`; fails the test and returns an empty one where none comes in time.
  contract::NodeReport wait_for_report(const std::string& what,
                                       const std::function<bool(const contract::NodeReport&)>& fits);
  contract::CommandResult wait_for_result(const std::string& id);
  // Until everything up to the last publish() is applied.
  contract::NodeReport wait_applied();

 private:
  void accept_connections();
  void serve(int connection);
  std::string answer(const std::string& method, const std::string& target, const std::string& body);
  std::string delta_answer(contract::Revision base);

  uint16_t port_ = 0;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  UniqueFd listening_;
  bool closed_ = false, credentials_refused_ = false;
  contract::Snapshot snapshot_;
  std::map<contract::Revision, contract::Snapshot> history_;
  std::vector<contract::AddressedCommand> commands_;
  contract::NodeReport last_report_;
  uint64_t reports_ = 0;
  std::map<std::string, contract::CommandResult> results_;
  std::map<std::string, contract::Secret> secrets_;
  std::string authority_;
  unsigned enrolments_ = 0, full_deltas_ = 0, secrets_given_ = 0, authorities_shown_ = 0;
  std::vector<int> connections_;
  std::list<std::thread> threads_;
};

}  // namespace headgate::node
