// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: shard
// A request head of any bytes: what is accepted is serialised, and what was serialised parses to exactly the
// same model: nothing in it can mean another thing to the next party.
#include <cstddef>
#include <cstdint>
#include <string>

#include "dataplane/core/assert.hpp"
#include "dataplane/shard/http1/head_parser.hpp"
#include "dataplane/shard/http1/head_scanner.hpp"
#include "dataplane/shard/http1/serialise.hpp"

namespace {

using namespace headgate;
using shard::http1::Fault;
using shard::http1::HeadScanner;

void check_same(const l7::RequestHead& a, const l7::RequestHead& b) {
  HG_ASSERT(a.method == b.method && a.method_text == b.method_text);
  HG_ASSERT(a.host == b.host && a.port == b.port && a.path == b.path && a.query == b.query);
  HG_ASSERT(a.framing == b.framing && a.content_length == b.content_length);
  HG_ASSERT(a.expect_continue == b.expect_continue && a.upgrade_websocket == b.upgrade_websocket);
  HG_ASSERT(a.headers.size() == b.headers.size());
  for (auto x = a.headers.begin(), y = b.headers.begin(); x != a.headers.end(); ++x, ++y)
    HG_ASSERT(x->name == y->name && x->value == y->value && x->id == y->id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  HeadScanner scanner;
  if (scanner.scan(bytes) != HeadScanner::State::kWhole) return 0;
  Arena arena;
  l7::RequestHead request;
  const auto head =
      std::span(bytes).subspan(scanner.begin_bytes(), scanner.end_bytes() - scanner.begin_bytes());
  if (shard::http1::parse_request(head, {}, arena, request) != Fault::kNone) return 0;
  // These are never sent on as they came: CONNECT is answered, and an empty Host is HTTP/1.0's alone.
  if (request.method == l7::Method::kConnect || request.host.empty()) return 0;

  std::string again(shard::http1::request_bytes_max(request), '\0');
  const char* const end = shard::http1::write_request(request, again.data());
  HG_ASSERT(end <= again.data() + again.size());
  again.resize(static_cast<std::size_t>(end - again.data()));
  HeadScanner again_scanner;
  HG_ASSERT(again_scanner.scan(again) == HeadScanner::State::kWhole &&
            again_scanner.end_bytes() == again.size());
  HG_ASSERT(again_scanner.begin_bytes() == 0);
  l7::RequestHead same;
  // Room for what we add ourselves: the names of framing fields.
  HG_ASSERT(shard::http1::parse_request(again, {.header_bytes_max = 64u << 10, .header_count_max = 200},
                                        arena, same) == Fault::kNone);
  check_same(request, same);
  return 0;
}
