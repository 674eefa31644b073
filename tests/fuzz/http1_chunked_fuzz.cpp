// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: shard
// A chunked body of any bytes: decoded in one piece and in pieces it is the same body, ends at the same byte
// and breaks the same rule; and what is decoded and framed anew decodes to itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "dataplane/core/assert.hpp"
#include "dataplane/shard/http1/chunked_decoder.hpp"
#include "dataplane/shard/http1/serialise.hpp"

namespace {

using namespace headgate;
using shard::http1::ChunkedDecoder;
using shard::http1::Fault;

struct Decoded {
  std::string body;
  std::string trailers;
  std::size_t end_bytes = 0;
  bool done = false;
  Fault fault = Fault::kNone;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decode(std::string wire, std::size_t piece_bytes) {
  Decoded decoded;
  ChunkedDecoder decoder;
  while (decoded.end_bytes < wire.size() && !decoded.done && decoded.fault == Fault::kNone) {
    const auto piece = std::span(wire).subspan(decoded.end_bytes);
    const auto step = decoder.decode(piece.first(std::min(piece.size(), piece_bytes)));
    HG_ASSERT(step.data_bytes <= step.consumed_bytes);
    decoded.body.append(piece.data(), step.data_bytes);
    decoded.end_bytes += step.consumed_bytes;
    decoded.done = step.done;
    decoded.fault = step.fault;
  }
  decoded.trailers.assign(decoder.trailers().data(), decoder.trailers().size());
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string wire(reinterpret_cast<const char*>(data + 1), size - 1);
  const Decoded whole = decode(wire, std::max<std::size_t>(1, wire.size()));
  HG_ASSERT(whole == decode(wire, 1 + data[0]));
  if (!whole.done) return 0;

  std::string again;
  if (!whole.body.empty()) {
    char head[shard::http1::kChunkHeadBytesMax];
    again.assign(head, shard::http1::write_chunk_head(whole.body.size(), head));
    again += whole.body + "\r\n";
  }
  again += "0\r\n" + whole.trailers;
  const Decoded same = decode(again, 7);
  HG_ASSERT(same.done && same.body == whole.body && same.trailers == whole.trailers &&
            same.end_bytes == again.size());
  return 0;
}
