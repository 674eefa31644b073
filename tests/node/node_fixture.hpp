// SPDX-License-Identifier: Apache-2.0
// NodeTest: the whole headgate-node as a process, with a management plane that the test plays and processes
// that speak the real contract. Thread: the test's.
#pragma once

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/node/api_server.hpp"
#include "tests/node/node_process.hpp"

namespace headgate::node {

using contract::NodeReport;
using contract::ProcessState;
using Objects = std::map<contract::ObjectKey, contract::ObjectPtr>;

inline const contract::ProcessStatus* status_of(const NodeReport& report, const std::string& process) {
  for (const auto& status : report.processes)
    if (status.process == process) return &status;
  return nullptr;
}

class NodeTest : public testing::Test {
 protected:
  Endpoint listener_{*IpAddress::parse("127.0.0.1"), free_port()};

  static void put(Objects& objects, const std::string& audience, const std::string& id,
                  contract::Object object) {
    const auto kind = contract::kind_of(object);
    objects[{audience, kind, id}] = std::make_shared<const contract::Object>(std::move(object));
  }
  contract::ReplicaGroup group(uint32_t replicas) const {
    return {.shard = "edge",
            .shard_uid = "u",
            .replicas = replicas,
            .threads = 1,
            .user_number = 3,
            .memory_max_bytes = 256u << 20,
            .connections_max = 100,
            .sockets = {{listener_.address, listener_.port, {}}}};
  }
  static contract::ShardSettings settings_of(const std::string& name) {
    contract::ShardSettings settings;
    settings.name = name;
    return settings;
  }
  Objects objects(uint32_t replicas, const std::string& marker = "") const {
    Objects objects;
    put(objects, "node", "edge", group(replicas));
    put(objects, "shard/edge", "settings", settings_of("edge" + marker));
    return objects;
  }
  pid_t pid_of(const std::string& process) {
    const auto report = api_.wait_for_report(process + " runs", [&](const NodeReport& seen) {
      const auto* status = status_of(seen, process);
      return status != nullptr && status->state == ProcessState::kRunning;
    });
    const auto* status = status_of(report, process);
    return status == nullptr ? 0 : status->pid;
  }

  ApiServer api_;
  NodeProcess node_{api_.url()};
};

}  // namespace headgate::node
