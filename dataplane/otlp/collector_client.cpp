// SPDX-License-Identifier: Apache-2.0
#include "dataplane/otlp/collector_client.hpp"

#include <algorithm>
#include <array>

#include <curl/curl.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::otlp {
namespace {

using std::chrono::milliseconds;

// What it says is of no use but must be read for the connection to be kept. More than the limit ends it: curl
// takes any other count than the given one as an error.
size_t pass_over(char*, size_t size, size_t count, void* user) {
  auto& left_bytes = *static_cast<std::size_t*>(user);
  const std::size_t bytes = size * count;
  if (bytes > left_bytes) return 0;
  left_bytes -= bytes;
  return bytes;
}

}  // namespace

struct CollectorClient::Handles {
  Handles() : multi(curl_multi_init()), easy(curl_easy_init()) {
    HG_ASSERT(multi != nullptr && easy != nullptr);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");  // no wait for a 100 before a large request
  }
  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  CURLM* multi;
  CURL* easy;
  curl_slist* headers = nullptr;
};

CollectorClient::CollectorClient() : handles_(std::make_unique<Handles>()) {}
CollectorClient::~CollectorClient() = default;

CollectorClient::Answer CollectorClient::post(const std::string& url, const std::string& body,
                                              const std::function<TimePoint()>& deadline) {
  Answer answer;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::size_t answer_bytes_left = limits::kSpanAnswerBytesMax;
  CURL* const easy = handles_->easy;
  curl_easy_reset(easy);  // its connections stay
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a look-up that hangs does not hold up our end
  curl_easy_setopt(easy, CURLOPT_PROXY, "");       // whatever the environment says
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(milliseconds(limits::kSpanConnectTimeout).count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pass_over);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer_bytes_left);
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handles_->headers);
  HG_ASSERT(curl_multi_add_handle(handles_->multi, easy) == CURLM_OK);

  answer.failure = "no answer in time";
  for (int running = 1; running > 0;) {
    curl_multi_perform(handles_->multi, &running);
    if (running == 0) break;
    const auto left = std::chrono::ceil<milliseconds>(deadline() - monotonic_now());
    if (left <= milliseconds(0)) break;
    curl_multi_poll(handles_->multi, nullptr, 0, static_cast<int>(left.count()), nullptr);
  }
  int waiting = 0;
  if (const CURLMsg* message = curl_multi_info_read(handles_->multi, &waiting)) {
    const CURLcode code = message->data.result;
    long status = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    answer.status = code == CURLE_OK ? static_cast<int>(status) : 0;
    if (retry_after_s > 0) answer.retry_after = std::chrono::seconds(retry_after_s);
    answer.failure = code == CURLE_OK ? "" : error[0] != 0 ? error.data() : curl_easy_strerror(code);
  }
  curl_multi_remove_handle(handles_->multi, easy);
  return answer;
}

void CollectorClient::wait(milliseconds longest) {
  curl_multi_poll(handles_->multi, nullptr, 0, static_cast<int>(longest.count()), nullptr);
}

void CollectorClient::wake() { curl_multi_wakeup(handles_->multi); }

}  // namespace headgate::otlp
