// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/network_undo.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "dataplane/core/durable_file.hpp"

namespace headgate::node {
namespace {

std::filesystem::path path_of(const std::string& sysctl) {
  return std::filesystem::path("/proc/sys") / sysctl;
}

}  // namespace

NetworkUndo::NetworkUndo(std::filesystem::path file) : file_(std::move(file)) {
  std::ifstream lines(file_);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what, name, value;
    words >> what >> name >> value;
    const auto host = HostAddress::parse(name);
    if (what == "sysctl") sysctls_.emplace(name, value);
    if (what == "moved" && host) moved_.push_back(*host);
    if (what == "local" && host) local_.push_back(host->address);
  }
}

Result<void> NetworkUndo::store() const {
  std::ostringstream text;
  for (const auto& [name, value] : sysctls_) text << "sysctl " << name << ' ' << value << '\n';
  for (const auto& host : moved_)
    text << "moved " << host.address.to_string() << '/' << int{host.prefix_bits} << '\n';
  for (const auto& address : local_) text << "local " << address.to_string() << '\n';
  return write_file_durably(file_, text.str(), 0600);
}

Result<void> NetworkUndo::set_sysctl(const std::string& name, const std::string& value) {
  std::string before;
  if (!(std::ifstream(path_of(name)) >> before))
    return Error{ErrorCode::kNotFound, "cannot read /proc/sys/" + name};
  if (before == value) return {};
  if (sysctls_.emplace(name, before).second) {
    if (auto stored = store(); !stored.ok()) return stored;
  }
  std::ofstream setting(path_of(name));
  setting << value;
  setting.close();
  if (!setting) return Error{ErrorCode::kPermission, "cannot set /proc/sys/" + name + " to " + value};
  return {};
}

Result<void> NetworkUndo::note_moved_address(const HostAddress& address) {
  if (std::find(moved_.begin(), moved_.end(), address) != moved_.end()) return {};
  moved_.push_back(address);
  return store();
}

Result<void> NetworkUndo::note_local_address(const IpAddress& address) {
  if (std::find(local_.begin(), local_.end(), address) != local_.end()) return {};
  local_.push_back(address);
  return store();
}

void NetworkUndo::restore_sysctls_and_forget() {
  for (const auto& [name, value] : sysctls_) std::ofstream(path_of(name)) << value;
  sysctls_.clear();
  moved_.clear();
  local_.clear();
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

}  // namespace headgate::node
