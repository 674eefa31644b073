// SPDX-License-Identifier: Apache-2.0
// Acknowledgements: which nodes a revision concerns and which of them serve it. "Applied" is said only where
// every process concerned has said so. Threads: any (one lock inside): reads of an object's status must not
// wait for the writer.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "dataplane/contract/node_api.hpp"

namespace headgate::service {

using contract::Revision;

struct Missing {
  std::string node;
  bool refused = false;  // it won't: its reason says why
  std::string reason;    // a sentence
};

class Acknowledgements {
 public:
  // At start: every node must say anew what it serves, because who was concerned by what is in no database.
  Acknowledgements(Revision revision, const std::vector<std::string>& nodes);

  void committed(Revision revision, const std::vector<std::string>& concerned);
  void removed(const std::string& node);
  void reported(const std::string& node, const contract::NodeReport& report);

  // Who does not serve this revision yet.
  std::vector<Missing> missing(Revision revision) const;
  // The newest revision that every node serves as far as it concerns it.
  Revision applied() const;

 private:
  struct Node {
    std::set<Revision> concerned;  // by these, and it does not serve them yet
    Revision concerned_up_to = 0;  // by all of these, as far as we know
    Revision applied = 0;
    bool has_reported = false;
    std::string refused_reason;

    bool serves(Revision revision) const;
  };
  static Missing missing_of(const std::string& name, const Node& node);

  mutable std::mutex mutex_;
  Revision revision_;
  std::map<std::string, Node> nodes_;
};

}  // namespace headgate::service
