// SPDX-License-Identifier: Apache-2.0
// Http2Peer: one end of an HTTP/2 connection that a test plays, either side, by libnghttp2 over a
// SocketPeer's socket; blocking with a deadline. For frames that the library would not send: Frame and
// SocketPeer alone. Thread: the test's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "tests/support/socket_peer.hpp"

namespace headgate::testing_support {

using Fields = std::vector<std::pair<std::string, std::string>>;

// One frame, byte for byte.
inline std::string http2_frame(uint8_t type, uint8_t flags, uint32_t id, const std::string& payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(id >> shift);
  return frame + payload;
}
// What a client sends first.
inline std::string http2_preface() { return NGHTTP2_CLIENT_MAGIC + http2_frame(NGHTTP2_SETTINGS, 0, 0, ""); }

// What has come of one stream.
struct Http2Message {
  std::vector<Fields> heads;  // interim ones first
  std::string body;
  Fields trailers;
  bool ended = false;
  std::optional<uint32_t> closed;  // with which error code

  std::string field(const std::string& name) const {  // of the last head; several joined by "|"
    std::string value;
    if (heads.empty()) return value;
    for (const auto& [key, text] : heads.back())
      if (key == name) value += (value.empty() ? "" : "|") + text;
    return value;
  }
  std::string status() const { return field(":status"); }
};

class Http2Peer {
 public:
  enum class Role : uint8_t { kClient, kServer };

  Http2Peer(Role role, SocketPeer socket, std::vector<nghttp2_settings_entry> settings = {},
            bool reads_windows_open = true)
      : role_(role), socket_(std::move(socket)) {
    socket_.send_at_once();
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, 1);  // so that it also says what is malformed
    // Until the other side has said how many it takes, the test decides and not the library.
    nghttp2_option_set_peer_max_concurrent_streams(option, 1000);
    if (!reads_windows_open) nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session* session = nullptr;
    if (role == Role::kClient)
      nghttp2_session_client_new2(&session, callbacks, this, option);
    else
      nghttp2_session_server_new2(&session, callbacks, this, option);
    session_.reset(session);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  }
  Http2Peer(const Http2Peer&) = delete;

  nghttp2_session* library() { return session_.get(); }
  SocketPeer& socket() { return socket_; }

  // The id of the stream. Its body, where there is one, comes by send_body().
  int32_t request(const Fields& fields, bool end = true) {
    const auto list = as_list(fields);
    nghttp2_data_provider provider{};
    provider.read_callback = read_body;
    const int32_t id = nghttp2_submit_request(session_.get(), nullptr, list.data(), list.size(),
                                              end ? nullptr : &provider, nullptr);
    flush();
    return id;
  }
  int32_t get(const std::string& path, const std::string& authority = "a") {
    return request({{":method", "GET"}, {":scheme", "http"}, {":authority", authority}, {":path", path}});
  }
  int32_t post(const std::string& path, const Fields& more = {}) {
    Fields fields{{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}};
    fields.insert(fields.end(), more.begin(), more.end());
    return request(fields, false);
  }
  void respond(int32_t id, const Fields& fields, bool end = true) {
    const auto list = as_list(fields);
    nghttp2_data_provider provider{};
    provider.read_callback = read_body;
    nghttp2_submit_response(session_.get(), id, list.data(), list.size(), end ? nullptr : &provider);
    flush();
  }
  void inform(int32_t id, const Fields& fields) {
    const auto list = as_list(fields);
    nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, id, nullptr, list.data(), list.size(), nullptr);
    flush();
  }
  void send_body(int32_t id, const std::string& data, bool end = true, const Fields& trailers = {}) {
    auto& out = out_[id];
    out.data += data;
    out.end = out.end || end;
    out.trailers = trailers;
    nghttp2_session_resume_data(session_.get(), id);
    flush();
  }
  void reset(int32_t id, uint32_t error_code = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, error_code);
    flush();
  }

  Http2Message& message(int32_t id) { return in_[id]; }
  std::optional<uint32_t> goaway() const { return goaway_; }
  int goaways() const { return goaways_; }
  bool gone() const { return gone_; }
  bool sent_whole(int32_t id) const {
    const auto found = out_.find(id);
    return found == out_.end() || found->second.sent_bytes == found->second.data.size();
  }

  // Reads and writes until it holds. False: it does not before the deadline, or the other side has closed.
  template <typename Condition>
  bool await(Condition&& condition) {
    flush();
    while (!condition()) {
      if (!read_some(kDeadlineMs)) return condition();
      flush();
    }
    return true;
  }
  bool await_end(int32_t id) {
    return await([&] { return in_[id].ended || in_[id].closed; });
  }
  bool await_close() {
    return !await([] { return false; }) && gone_;
  }
  // As a server: the next stream that has a whole head, not handed out before.
  int32_t accept() {
    int32_t id = 0;
    await([&] {
      if (arrived_.empty()) return false;
      id = arrived_.front();
      arrived_.erase(arrived_.begin());
      return true;
    });
    return id;
  }
  void flush() {
    for (;;) {
      const uint8_t* bytes = nullptr;
      const auto length = nghttp2_session_mem_send(session_.get(), &bytes);
      if (length <= 0) return;
      // While the other side waits for us to read, we must.
      std::string_view rest(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
      const std::string copy(rest);
      rest = copy;
      while (!rest.empty()) {
        const std::size_t sent = socket_.send_some(rest);
        rest.remove_prefix(sent);
        if (sent > 0) continue;
        pollfd poll_fd{socket_.fd(), POLLOUT, 0};
        if (::poll(&poll_fd, 1, kDeadlineMs) != 1 || (poll_fd.revents & (POLLERR | POLLHUP))) return;
      }
    }
  }
  // Reads once. False: nothing came within `ms`, or the end.
  bool read_some(int ms) {
    pollfd poll_fd{socket_.fd(), POLLIN, 0};
    if (gone_ || ::poll(&poll_fd, 1, ms) != 1) return false;
    char bytes[65536];
    const ssize_t got = ::recv(socket_.fd(), bytes, sizeof bytes, 0);
    gone_ = got <= 0;
    if (gone_) return false;
    nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(bytes),
                             static_cast<std::size_t>(got));
    return true;
  }

 private:
  struct End {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  struct Out {
    std::string data;
    std::size_t sent_bytes = 0;
    bool end = false;
    Fields trailers;
  };

  static std::vector<nghttp2_nv> as_list(const Fields& fields) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields)
      list.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE});
    return list;
  }
  static Http2Peer& self(void* user) { return *static_cast<Http2Peer*>(user); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& message = self(user).in_[frame->hd.stream_id];
    const bool final_seen =
        !message.heads.empty() && (message.status().empty() || message.status()[0] != '1');
    if (!final_seen) message.heads.emplace_back();
    self(user).in_trailers_ = final_seen;
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       std::size_t name_bytes, const uint8_t* value, std::size_t value_bytes, uint8_t,
                       void* user) {
    auto& message = self(user).in_[frame->hd.stream_id];
    auto& fields = self(user).in_trailers_ ? message.trailers : message.heads.back();
    fields.emplace_back(std::string(reinterpret_cast<const char*>(name), name_bytes),
                        std::string(reinterpret_cast<const char*>(value), value_bytes));
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& peer = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      peer.goaway_ = frame->goaway.error_code;
      ++peer.goaways_;
    }
    const bool of_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (frame->hd.type == NGHTTP2_HEADERS && !peer.in_trailers_ && peer.role_ == Role::kServer)
      peer.arrived_.push_back(frame->hd.stream_id);
    if (of_message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) peer.in_[frame->hd.stream_id].ended = true;
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, std::size_t length_bytes,
                     void* user) {
    self(user).in_[id].body.append(reinterpret_cast<const char*>(bytes), length_bytes);
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t error_code, void* user) {
    self(user).in_[id].closed = error_code;
    return 0;
  }
  static ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* room, std::size_t room_bytes,
                           uint32_t* flags, nghttp2_data_source*, void* user) {
    auto& out = self(user).out_[id];
    const std::size_t bytes = std::min(room_bytes, out.data.size() - out.sent_bytes);
    if (bytes == 0 && !out.end) return NGHTTP2_ERR_DEFERRED;
    out.data.copy(reinterpret_cast<char*>(room), bytes, out.sent_bytes);
    out.sent_bytes += bytes;
    if (out.sent_bytes == out.data.size() && out.end) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!out.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto list = as_list(out.trailers);
        nghttp2_submit_trailer(session, id, list.data(), list.size());
      }
    }
    return static_cast<ssize_t>(bytes);
  }

  Role role_;
  SocketPeer socket_;
  std::unique_ptr<nghttp2_session, End> session_;
  std::map<int32_t, Http2Message> in_;
  std::map<int32_t, Out> out_;
  std::vector<int32_t> arrived_;
  bool in_trailers_ = false;
  bool gone_ = false;
  std::optional<uint32_t> goaway_;
  int goaways_ = 0;
};

}  // namespace headgate::testing_support
