// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: shard
// A header section as HPACK, any bytes: what is accepted is sent on, over HTTP/1.1 and over HTTP/2, and what
// is sent parses to exactly the model that was routed.
#include <cstddef>
#include <cstdint>
#include <string>

#include "dataplane/core/assert.hpp"
#include "dataplane/shard/http1/head_parser.hpp"
#include "dataplane/shard/http1/head_scanner.hpp"
#include "dataplane/shard/http1/serialise.hpp"
#include "dataplane/shard/http2/field_writer.hpp"
#include "dataplane/shard/http2/request_reader.hpp"

namespace {

using namespace headgate;
using shard::http1::Fault;
using shard::http1::HeadScanner;
using shard::http2::RequestReader;

constexpr shard::http1::HeadLimits kRoomy{.header_bytes_max = 256u << 10, .header_count_max = 400};

void check_same(const l7::RequestHead& a, const l7::RequestHead& b) {
  HG_ASSERT(a.method == b.method && a.method_text == b.method_text && a.form == b.form);
  HG_ASSERT(a.host == b.host && a.port == b.port && a.path == b.path && a.query == b.query);
  HG_ASSERT(a.framing == b.framing && a.content_length == b.content_length);
  HG_ASSERT(a.expect_continue == b.expect_continue && a.te_trailers == b.te_trailers);
  HG_ASSERT(a.upgrade_websocket == b.upgrade_websocket);
  HG_ASSERT(a.headers.size() == b.headers.size());
  for (auto x = a.headers.begin(), y = b.headers.begin(); x != a.headers.end(); ++x, ++y)
    HG_ASSERT(x->name == y->name && x->value == y->value && x->id == y->id);
}

// False: no HPACK.
bool inflate(const uint8_t* data, std::size_t size, RequestReader& reader) {
  nghttp2_hd_inflater* inflater = nullptr;
  HG_ASSERT(nghttp2_hd_inflate_new(&inflater) == 0);
  bool whole = false;
  for (bool more = true; more;) {
    nghttp2_nv field{};
    int flags = 0;
    const auto used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, data, size, 1);
    if (used < 0) break;
    data += used;
    size -= static_cast<std::size_t>(used);
    if (flags & NGHTTP2_HD_INFLATE_EMIT)
      reader.take({reinterpret_cast<const char*>(field.name), field.namelen},
                  {reinterpret_cast<const char*>(field.value), field.valuelen});
    whole = flags & NGHTTP2_HD_INFLATE_FINAL;
    more = !whole && (size > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT));
  }
  nghttp2_hd_inflate_del(inflater);
  return whole;
}

void check_http1(const l7::RequestHead& request, Arena& arena) {
  std::string bytes(shard::http1::request_bytes_max(request), '\0');
  const char* const end = shard::http1::write_request(request, bytes.data());
  HG_ASSERT(end <= bytes.data() + bytes.size());
  bytes.resize(static_cast<std::size_t>(end - bytes.data()));
  HeadScanner scanner;
  HG_ASSERT(scanner.scan(bytes) == HeadScanner::State::kWhole && scanner.end_bytes() == bytes.size());
  l7::RequestHead same;
  HG_ASSERT(shard::http1::parse_request(bytes, kRoomy, arena, same) == Fault::kNone);
  check_same(request, same);
}

void check_http2(const l7::RequestHead& request, Arena& arena) {
  shard::http2::FieldWriter fields;
  fields.write(request, "http");
  RequestReader reader;
  l7::RequestHead same;
  reader.start(kRoomy, same, arena);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto& field = fields.data()[i];
    reader.take({reinterpret_cast<const char*>(field.name), field.namelen},
                {reinterpret_cast<const char*>(field.value), field.valuelen});
  }
  HG_ASSERT(reader.finish(request.framing == l7::BodyFraming::kNone) == Fault::kNone);
  check_same(request, same);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool without_body = data[0] & 1;
  Arena arena;
  l7::RequestHead request;
  RequestReader reader;
  reader.start({}, request, arena);
  if (!inflate(data + 1, size - 1, reader)) return 0;
  if (reader.finish(without_body) != Fault::kNone) return 0;
  if (request.method == l7::Method::kConnect) return 0;  // answered by ourselves
  check_http1(request, arena);
  check_http2(request, arena);
  return 0;
}
