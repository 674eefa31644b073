// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/http_client.hpp"

#include <array>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>
#include <sys/epoll.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::node {

struct HttpTransfer {
  HttpRequest request;
  HttpAnswer answer;
  std::function<void(HttpAnswer)> on_answer;
  std::string authorization;
  std::array<char, CURL_ERROR_SIZE> error{};
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;

  HttpTransfer() = default;
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;
  ~HttpTransfer() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
};

namespace {

constexpr long kConnectTimeoutMs = 3'000;

// An answer over the limit ends the transfer: curl takes any other count than the given one as an error.
size_t receive_body(char* bytes, size_t size, size_t count, void* user) {
  auto& body = static_cast<HttpTransfer*>(user)->answer.body;
  if (body.size() + size * count > limits::kFrameBytesMax) return 0;
  body.append(bytes, size * count);
  return size * count;
}

// With no directory beside the file, which curl would believe as well. Connections that were verified and
// those that were not are never mixed up: curl keeps them apart.
void set_up_trust(CURL* easy, const std::string& authority_file, bool unverified) {
  if (unverified) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  } else if (!authority_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, authority_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
}

void set_up(HttpTransfer& transfer, const std::string& authority_file) {
  CURL* easy = transfer.easy = curl_easy_init();
  HG_ASSERT(easy != nullptr);
  const auto& request = transfer.request;
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  set_up_trust(easy, authority_file, request.unverified);
  curl_easy_setopt(easy, CURLOPT_PROXY,
                   "");  // no proxy of the environment stands between a node and headgated
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  if (!request.bearer_token.empty()) {
    transfer.authorization = "Authorization: Bearer " + request.bearer_token;
    transfer.headers = curl_slist_append(transfer.headers, transfer.authorization.c_str());
  }
  if (request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    transfer.headers = curl_slist_append(transfer.headers, "Content-Type: application/json");
    transfer.headers =
        curl_slist_append(transfer.headers, "Expect:");  // no wait for a 100 before a large report
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
}

}  // namespace

struct HttpClient::Impl {
  Impl(EventLoop& event_loop, std::string authorities)
      : loop(event_loop), authority_file(std::move(authorities)), multi(curl_multi_init()) {
    HG_ASSERT(multi != nullptr);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  }
  ~Impl() {
    for (const auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi, easy);
    curl_multi_cleanup(multi);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
    auto& self = *static_cast<Impl*>(user);
    if (what == CURL_POLL_REMOVE) {
      self.watches.erase(socket);
      return 0;
    }
    const uint32_t events =
        (what & CURL_POLL_IN ? uint32_t{EPOLLIN} : 0u) | (what & CURL_POLL_OUT ? uint32_t{EPOLLOUT} : 0u);
    auto& watch = self.watches[socket];
    watch.end();
    watch = self.loop.watch(socket, events, [&self, socket](uint32_t ready) {
      const int action = (ready & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                         (ready & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                         (ready & EPOLLERR ? CURL_CSELECT_ERR : 0);
      self.act(socket, action);
    });
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto& self = *static_cast<Impl*>(user);
    self.timer = timeout_ms < 0 ? EventLoop::Timer()
                                : self.loop.after(std::chrono::milliseconds(timeout_ms),
                                                  [&self] { self.act(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
  }

  void act(curl_socket_t socket, int action) {
    int running = 0;
    curl_multi_socket_action(multi, socket, action, &running);
    // Taken out of curl before their callbacks run, because those send the next request.
    std::vector<std::unique_ptr<HttpTransfer>> done;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      auto transfer = std::move(transfers.extract(easy).mapped());
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      transfer->answer.status = code == CURLE_OK ? static_cast<int>(status) : 0;
      if (code != CURLE_OK)
        transfer->answer.failure =
            transfer->error[0] != 0 ? transfer->error.data() : curl_easy_strerror(code);
      curl_multi_remove_handle(multi, easy);
      done.push_back(std::move(transfer));
    }
    for (const auto& transfer : done) transfer->on_answer(std::move(transfer->answer));
  }

  EventLoop& loop;
  const std::string authority_file;
  CURLM* multi;
  EventLoop::Timer timer;
  std::unordered_map<curl_socket_t, EventLoop::Watch> watches;
  std::unordered_map<CURL*, std::unique_ptr<HttpTransfer>> transfers;
};

HttpClient::HttpClient(EventLoop& loop, const std::filesystem::path& authority_file)
    : impl_(std::make_unique<Impl>(loop, authority_file.string())) {}
HttpClient::~HttpClient() = default;

void HttpClient::send(HttpRequest request, std::function<void(HttpAnswer)> on_answer) {
  auto transfer = std::make_unique<HttpTransfer>();
  transfer->request = std::move(request);
  transfer->on_answer = std::move(on_answer);
  set_up(*transfer, impl_->authority_file);
  CURL* easy = transfer->easy;
  impl_->transfers.emplace(easy, std::move(transfer));
  HG_ASSERT(curl_multi_add_handle(impl_->multi, easy) == CURLM_OK);
}

}  // namespace headgate::node
