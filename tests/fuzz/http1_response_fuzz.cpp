// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: shard
// A response head of any bytes, to a GET and to a HEAD: what is accepted is serialised for either client
// version, and what was serialised parses to the same status, fields and length.
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

void check(std::string bytes, l7::Method method, l7::Version client_version) {
  HeadScanner scanner;
  if (scanner.scan(bytes) != HeadScanner::State::kWhole) return;
  l7::ResponseHead response;
  const auto head =
      std::span(bytes).subspan(scanner.begin_bytes(), scanner.end_bytes() - scanner.begin_bytes());
  if (shard::http1::parse_response(head, {}, method, response) != Fault::kNone) return;

  const auto framing = shard::http1::client_framing(response, client_version);
  const bool keep_alive = framing != l7::BodyFraming::kUntilClose;
  std::string again(shard::http1::response_bytes_max(response), '\0');
  const char* const end = shard::http1::write_response(
      response, {.version = client_version, .framing = framing, .keep_alive = keep_alive, .date = {}},
      again.data());
  HG_ASSERT(end <= again.data() + again.size());
  again.resize(static_cast<std::size_t>(end - again.data()));
  HeadScanner again_scanner;
  HG_ASSERT(again_scanner.scan(again) == HeadScanner::State::kWhole &&
            again_scanner.end_bytes() == again.size());
  l7::ResponseHead same;
  HG_ASSERT(shard::http1::parse_response(again, {.header_bytes_max = 64u << 10, .header_count_max = 200},
                                         method, same) == Fault::kNone);
  HG_ASSERT(same.status == response.status && same.reason == response.reason);
  HG_ASSERT(same.framing == framing && same.has_content_length == response.has_content_length);
  HG_ASSERT(!same.has_content_length || same.content_length == response.content_length);
  HG_ASSERT(same.status < 200 || same.keep_alive == keep_alive);
  HG_ASSERT(same.headers.size() == response.headers.size());
  for (auto x = same.headers.begin(), y = response.headers.begin(); x != same.headers.end(); ++x, ++y)
    HG_ASSERT(x->name == y->name && x->value == y->value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  check(bytes, l7::Method::kGet, l7::Version::kHttp11);
  check(bytes, l7::Method::kHead, l7::Version::kHttp11);
  check(bytes, l7::Method::kGet, l7::Version::kHttp10);
  return 0;
}
