// SPDX-License-Identifier: Apache-2.0
#include "tests/node/api_server.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/contract/codec.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kWait = 20s;  // a bound for a machine under load; what is waited for takes milliseconds
constexpr const char* kCredential = "node-credential";
constexpr const char* kUnauthorized = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

std::string with_body(int status, const std::string& body) {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                     status, body.size(), body);
}

UniqueFd listen_on(uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 16), 0);
  return fd;
}

uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t length_bytes = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length_bytes);
  return ntohs(address.sin_port);
}

}  // namespace

ApiServer::ApiServer() : listening_(listen_on(0)) {
  port_ = port_of(listening_.get());
  threads_.emplace_back([this] { accept_connections(); });
}

ApiServer::~ApiServer() {
  hang_up();
  for (auto& thread : threads_) thread.join();
}

void ApiServer::hang_up() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  ::shutdown(listening_.get(), SHUT_RDWR);  // wakes accept()
  for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
  changed_.notify_all();
}

void ApiServer::listen_again() {
  threads_.front().join();  // the accepting one has ended with hang_up()
  threads_.pop_front();
  const std::lock_guard lock(mutex_);
  closed_ = false;
  listening_ = UniqueFd();
  listening_ = listen_on(port_);
  threads_.emplace_front([this] { accept_connections(); });
}

void ApiServer::accept_connections() {
  int listening = -1;
  {
    const std::lock_guard lock(mutex_);
    listening = listening_.get();
  }
  for (;;) {
    const int connection = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    const std::lock_guard lock(mutex_);
    if (closed_) {
      ::close(connection);
      return;
    }
    connections_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void ApiServer::serve(int connection) {
  std::string inbox;
  std::array<char, 65536> buffer;
  for (;;) {
    const auto header_end = inbox.find("\r\n\r\n");
    std::size_t body_bytes = 0;
    if (header_end != std::string::npos) {
      const auto length = inbox.find("Content-Length: ");
      if (length < header_end) body_bytes = std::stoul(inbox.substr(length + 16));
    }
    if (header_end == std::string::npos || inbox.size() < header_end + 4 + body_bytes) {
      const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      inbox.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    const auto method_end = inbox.find(' ');
    const auto target_end = inbox.find(' ', method_end + 1);
    const auto header = inbox.substr(0, header_end);
    const auto target = inbox.substr(method_end + 1, target_end - method_end - 1);
    const auto body = inbox.substr(header_end + 4, body_bytes);
    const bool known = target == "/v1/enroll" || target == "/v1/ca" ||
                       header.find(std::string("Authorization: Bearer ") + kCredential) != std::string::npos;
    const auto text = known ? answer(inbox.substr(0, method_end), target, body) : kUnauthorized;
    inbox.erase(0, header_end + 4 + body_bytes);
    if (::send(connection, text.data(), text.size(), MSG_NOSIGNAL) < 0) break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(connections_, connection);
  ::close(connection);
}

std::string ApiServer::answer(const std::string& method, const std::string& target, const std::string& body) {
  if (method == "GET" && target == "/v1/ca") {
    const std::lock_guard lock(mutex_);
    ++authorities_shown_;
    return with_body(authority_.empty() ? 404 : 200, authority_);
  }
  if (method == "POST" && target == "/v1/enroll") {
    const std::lock_guard lock(mutex_);
    const auto enrolment = contract::decode_enrolment(body);
    if (!enrolment.ok() || enrolment->token != "one-time") return kUnauthorized;
    ++enrolments_;
    credentials_refused_ = false;
    return with_body(201, contract::encode(contract::Enrolled{enrolment->node, kCredential}));
  }
  {
    const std::lock_guard lock(mutex_);
    if (credentials_refused_) return kUnauthorized;
  }
  if (method == "GET" && target.starts_with("/v1/nodes/n1/delta?base="))
    return delta_answer(std::stoull(target.substr(target.find('=') + 1)));
  if (method == "POST" && target == "/v1/nodes/n1/report") {
    auto report = contract::decode_node_report(body);
    if (!report.ok()) return with_body(422, report.error().message);
    const std::lock_guard lock(mutex_);
    for (const auto& result : report->results) results_[result.id] = result;
    last_report_ = std::move(*report);
    ++reports_;
    changed_.notify_all();
    return "HTTP/1.1 204 No Content\r\n\r\n";
  }
  if (method == "POST" && target == "/v1/nodes/n1/secrets") {
    const auto wanted = contract::decode_secrets_wanted(body);
    if (!wanted.ok()) return with_body(422, wanted.error().message);
    const std::lock_guard lock(mutex_);
    contract::Secrets given;
    for (const auto& digest : wanted->digests)
      if (const auto found = secrets_.find(digest); found != secrets_.end())
        given.secrets.push_back(found->second);
    secrets_given_ += static_cast<unsigned>(given.secrets.size());
    return with_body(200, contract::encode(given));
  }
  return with_body(404, "{}");
}

void ApiServer::put_secret(const contract::Secret& secret) {
  const std::lock_guard lock(mutex_);
  secrets_[secret.digest] = secret;
}

void ApiServer::set_authority(const std::string& pem) {
  const std::lock_guard lock(mutex_);
  authority_ = pem;
}

uint64_t ApiServer::reports() {
  const std::lock_guard lock(mutex_);
  return reports_;
}

unsigned ApiServer::authorities_shown() {
  const std::lock_guard lock(mutex_);
  return authorities_shown_;
}

unsigned ApiServer::secrets_given() {
  const std::lock_guard lock(mutex_);
  return secrets_given_;
}

std::string ApiServer::delta_answer(contract::Revision base) {
  std::unique_lock lock(mutex_);
  const auto something = [&] {
    return closed_ || credentials_refused_ || base != snapshot_.revision || !commands_.empty();
  };
  if (!changed_.wait_for(lock, 30s, something)) return "HTTP/1.1 204 No Content\r\n\r\n";
  if (closed_) return {};
  if (credentials_refused_) return kUnauthorized;
  contract::NodeUpdate update;
  if (base != snapshot_.revision) {
    const auto known = history_.find(base);
    update.delta =
        known == history_.end() ? contract::full(snapshot_) : contract::diff(known->second, snapshot_);
    if (update.delta->base == 0) ++full_deltas_;
  }
  update.commands = std::exchange(commands_, {});
  return with_body(200, contract::encode(update));
}

void ApiServer::publish(std::map<contract::ObjectKey, contract::ObjectPtr> objects) {
  const std::lock_guard lock(mutex_);
  snapshot_ = {.revision = snapshot_.revision + 1, .objects = std::move(objects)};
  history_[snapshot_.revision] = snapshot_;
  changed_.notify_all();
}

void ApiServer::command(const contract::AddressedCommand& command) {
  const std::lock_guard lock(mutex_);
  commands_.push_back(command);
  changed_.notify_all();
}

void ApiServer::refuse_credentials() {
  const std::lock_guard lock(mutex_);
  credentials_refused_ = true;
  changed_.notify_all();
}

contract::Revision ApiServer::revision() {
  const std::lock_guard lock(mutex_);
  return snapshot_.revision;
}

unsigned ApiServer::enrolments() {
  const std::lock_guard lock(mutex_);
  return enrolments_;
}

unsigned ApiServer::full_deltas() {
  const std::lock_guard lock(mutex_);
  return full_deltas_;
}

contract::NodeReport ApiServer::wait_for_report(
    const std::string& what, const std::function<bool(const contract::NodeReport&)>& fits) {
  std::unique_lock lock(mutex_);
  // Only what comes from now on: the last report may say what was true before the test's last act.
  const auto seen = reports_;
  if (changed_.wait_for(lock, kWait, [&] { return reports_ > seen && fits(last_report_); }))
    return last_report_;
  ADD_FAILURE() << "no report in time: " << what << "; the last was " << contract::encode(last_report_);
  return {};
}

contract::CommandResult ApiServer::wait_for_result(const std::string& id) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, kWait, [&] { return results_.contains(id); })) return results_[id];
  ADD_FAILURE() << "no result of command " << id << " in time";
  return {};
}

contract::NodeReport ApiServer::wait_applied() {
  const auto wanted = revision();
  return wait_for_report(fmt::format("revision {} applied", wanted),
                         [&](const auto& report) { return report.applied == wanted; });
}

}  // namespace headgate::node
