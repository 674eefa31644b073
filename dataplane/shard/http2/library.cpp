// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/library.hpp"

#include <array>
#include <cstring>
#include <span>

#include "dataplane/core/assert.hpp"

namespace headgate::shard::http2 {
namespace {

std::string_view text_of(const uint8_t* bytes, std::size_t length_bytes) {
  return {reinterpret_cast<const char*>(bytes), length_bytes};
}

}  // namespace

// A friend of Session: the library knows no members.
struct Callbacks {
  static Session& session_of(void* user) { return *static_cast<Session*>(user); }
  static MessageStream* stream_of(nghttp2_session* library, int32_t id) {
    return static_cast<MessageStream*>(nghttp2_session_get_stream_user_data(library, id));
  }

  static int begin_headers(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
    Session& session = session_of(user);
    session.section_began_ = session.loop_.now();
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      auto* const fresh = session.begin_stream(frame->hd.stream_id);
      if (!fresh) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      nghttp2_session_set_stream_user_data(library, frame->hd.stream_id, fresh);
    }
    if (auto* const stream = stream_of(library, frame->hd.stream_id)) stream->begin_section();
    return 0;
  }

  static int header(nghttp2_session* library, const nghttp2_frame* frame, const uint8_t* name,
                    std::size_t name_bytes, const uint8_t* value, std::size_t value_bytes, uint8_t, void*) {
    if (auto* const stream = stream_of(library, frame->hd.stream_id))
      stream->take_field(text_of(name, name_bytes), text_of(value, value_bytes));
    return 0;
  }

  static int frame_begun(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    session_of(user).note_frame_head(*head);
    return 0;
  }

  static int frame_received(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
    Session& session = session_of(user);
    session.note_frame(*frame);
    const bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS) session.section_began_.reset();
    auto* const stream = frame->hd.stream_id == 0 ? nullptr : stream_of(library, frame->hd.stream_id);
    if (stream && frame->hd.type == NGHTTP2_HEADERS) stream->end_section(end);
    if (stream && frame->hd.type == NGHTTP2_DATA && end) stream->end_data();
    session.take_frame(*frame);
    return 0;
  }

  static int data_chunk(nghttp2_session* library, uint8_t, int32_t id, const uint8_t* bytes,
                        std::size_t length_bytes, void*) {
    if (auto* const stream = stream_of(library, id))
      stream->take_data(text_of(bytes, length_bytes));
    else
      nghttp2_session_consume_connection(library, length_bytes);  // of an exchange that is over
    return 0;
  }

  static int frame_sent(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
    session_of(user).note_sent(*frame);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    if (auto* const stream = stream_of(library, frame->hd.stream_id)) {
      stream->count_sent(frame->hd.length + 9);
      if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) stream->note_end_sent();
    }
    return 0;
  }

  static int stream_closed(nghttp2_session* library, int32_t id, uint32_t error_code, void*) {
    if (auto* const stream = stream_of(library, id)) stream->take_close(error_code);
    return 0;
  }

  // The one copy of a body on its way out: behind the other frames that wait for the socket.
  static int send_data(nghttp2_session* library, nghttp2_frame* frame, const uint8_t* frame_head,
                       std::size_t length_bytes, nghttp2_data_source*, void* user) {
    HG_ASSERT(frame->data.padlen == 0);
    Session& session = session_of(user);
    auto* const stream = stream_of(library, frame->hd.stream_id);
    if (!stream && length_bytes > 0) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const auto place = session.room(length_bytes + 9);
    if (place.empty()) return NGHTTP2_ERR_WOULDBLOCK;  // asked again when the socket has taken some
    std::memcpy(place.data(), frame_head, 9);
    if (length_bytes > 0) std::memcpy(place.data() + 9, stream->out_data().data(), length_bytes);
    session.out_->filled_bytes += length_bytes + 9;
    if (stream) stream->wrote(length_bytes);
    return 0;
  }
};

ssize_t read_piece_callback(nghttp2_session* library, int32_t id, uint8_t*, std::size_t length_bytes,
                            uint32_t* flags, nghttp2_data_source*, void* user) {
  // Not by the source: its exchange may have left a stream whose reset is still on its way.
  auto* const stream = Callbacks::stream_of(library, id);
  if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const auto given = stream->give(length_bytes);
  if (!given) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (given->end) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (given->trailers) {
    auto& fields = Callbacks::session_of(user).fields();
    fields.write_trailers(*given->trailers);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(library, id, fields.data(), fields.size());
  }
  return static_cast<ssize_t>(given->bytes);
}

namespace {

struct CallbacksEnd {
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};
struct OptionEnd {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

std::unique_ptr<nghttp2_session_callbacks, CallbacksEnd> make_callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  HG_ASSERT(nghttp2_session_callbacks_new(&made) == 0);
  std::unique_ptr<nghttp2_session_callbacks, CallbacksEnd> callbacks(made);
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(made, Callbacks::header);
  nghttp2_session_callbacks_set_on_begin_frame_callback(made, Callbacks::frame_begun);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Callbacks::data_chunk);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, Callbacks::frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, Callbacks::stream_closed);
  nghttp2_session_callbacks_set_send_data_callback(made, Callbacks::send_data);
  return callbacks;
}

std::unique_ptr<nghttp2_option, OptionEnd> make_options(const contract::Http2Limits& rules) {
  nghttp2_option* made = nullptr;
  HG_ASSERT(nghttp2_option_new(&made) == 0);
  std::unique_ptr<nghttp2_option, OptionEnd> option(made);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_no_http_messaging(made, 1);
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_max_outbound_ack(made, limits::kHttp2OutboundAcksMax);
  nghttp2_option_set_max_settings(made, limits::kHttp2SettingsMax);
  nghttp2_option_set_max_continuations(made, limits::kHttp2ContinuationsMax);
  // Ours counts the resets of both sides and comes first.
  const uint64_t resets_per_second = 2 * uint64_t{rules.resets_per_second};
  nghttp2_option_set_stream_reset_rate_limit(made, limits::kHttp2BurstSeconds * resets_per_second,
                                             resets_per_second);
  nghttp2_option_set_max_reserved_remote_streams(made, 0);
  nghttp2_option_set_max_send_header_block_length(made, 2 * limits::kLargeBlockBytes);
  return option;
}

void submit_settings(nghttp2_session* library, std::span<const nghttp2_settings_entry> entries,
                     int32_t connection_window_bytes) {
  nghttp2_submit_settings(library, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  nghttp2_session_set_local_window_size(library, NGHTTP2_FLAG_NONE, 0, connection_window_bytes);
}

}  // namespace

Library make_server_library(Session& session, uint32_t header_bytes_max, const contract::Http2Limits& rules) {
  nghttp2_session* made = nullptr;
  HG_ASSERT(nghttp2_session_server_new2(&made, make_callbacks().get(), &session, make_options(rules).get()) ==
            0);
  const std::array<nghttp2_settings_entry, 5> settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, rules.streams_max},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, NGHTTP2_INITIAL_WINDOW_SIZE},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, header_bytes_max},
       {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
       {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}}};
  submit_settings(made, settings, limits::kHttp2ClientWindowBytes);
  return Library(made);
}

Library make_client_library(Session& session, uint32_t header_bytes_max, const contract::Http2Limits& rules) {
  nghttp2_session* made = nullptr;
  HG_ASSERT(nghttp2_session_client_new2(&made, make_callbacks().get(), &session, make_options(rules).get()) ==
            0);
  const std::array<nghttp2_settings_entry, 4> settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
       {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, header_bytes_max},
       {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}}};
  submit_settings(made, settings, limits::kHttp2UpstreamWindowBytes);
  return Library(made);
}

}  // namespace headgate::shard::http2
