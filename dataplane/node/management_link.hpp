// SPDX-License-Identifier: Apache-2.0
// ManagementLink: the node's side of /v1: learns whom to believe, enrols once, polls for deltas and commands,
// reports. While headgated is away it tries again and again, and nothing else of the node takes notice.
// Thread: the node's loop.
#pragma once

#include <filesystem>
#include <functional>
#include <random>
#include <set>
#include <string>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/contract/secret.hpp"
#include "dataplane/node/http_client.hpp"
#include "dataplane/node/retry_delay.hpp"

namespace headgate::node {

class ManagementLink {
 public:
  struct Options {
    std::string api;   // "http://127.0.0.1:7080"
    std::string node;  // its name there
    std::filesystem::path enrolment_token_file;
    std::filesystem::path credential_file;  // 0600
    std::filesystem::path
        authority_file{};  // PEM, who vouches for an https API; empty: whom the system believes
    // SHA-256 of the authority's certificate. Where the file is missing or another's, it is fetched from the
    // API itself, and believed by this alone. Empty: it is not.
    std::string authority_fingerprint{};
  };
  struct Callbacks {
    std::function<contract::Revision()> base;  // the revision to poll from; 0: all of it
    std::function<void(contract::NodeUpdate)> on_update;
    // What an update names and the node lacks: fetched ahead of on_update(), which comes in any case.
    std::function<std::set<std::string>(const contract::NodeUpdate&)> secrets_missing;
    std::function<void(contract::Secrets)> on_secrets;
    std::function<contract::NodeReport(bool with_stats)> make_report;
    std::function<void(const contract::NodeReport&)> on_reported;  // that report has arrived
  };

  ManagementLink(EventLoop& loop, Options options, Callbacks callbacks);

  void start();
  // One try; on_secrets() comes where there is an answer, `on_done` after it or without it.
  void fetch_secrets(const std::set<std::string>& digests, std::function<void()> on_done);
  // Something worth a report has changed: one goes out at the end of this turn, or when the last is answered.
  // Its statistics come when they are due.
  void report_soon() { report_within(Duration::zero()); }
  // The same, where it may wait so long for what is still to come.
  void report_within(Duration patience);

 private:
  bool has_authority() const;
  void fetch_authority();
  void on_authority(const HttpAnswer& answer);
  void begin();
  void enrol();
  void on_enrolled(const HttpAnswer& answer);
  void poll();
  void on_polled(const HttpAnswer& answer);
  void take(contract::NodeUpdate update, std::size_t missing_before);
  void report();
  void retry_later(const std::string& what, const HttpAnswer& answer, std::function<void()> retry);
  std::string url(const std::string& path) const;

  EventLoop& loop_;
  Options options_;
  Callbacks callbacks_;
  HttpClient client_;
  std::string credential_;
  std::minstd_rand random_;
  RetryDelay retry_delay_;
  bool away_ = false;  // said once in the log, not with every try
  bool report_under_way_ = false;
  TimePoint report_due_ = TimePoint::max();  // of what has changed since the last
  TimePoint stats_due_{};
  EventLoop::Timer retry_timer_, report_timer_;
};

}  // namespace headgate::node
