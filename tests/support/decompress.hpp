// SPDX-License-Identifier: Apache-2.0
// What a client makes of a compressed body, by the reference libraries; nothing where it is not whole or not
// well formed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

namespace headgate::testing_support {

// `whole` false: as far as it goes, of a body that has not ended.
inline std::optional<std::string> decompress_gzip(std::string_view body, bool whole = true) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string text;
  int result = Z_OK;
  do {
    char room[4096];
    stream.next_out = reinterpret_cast<Bytef*>(room);
    stream.avail_out = sizeof room;
    result = inflate(&stream, Z_SYNC_FLUSH);
    text.append(room, sizeof room - stream.avail_out);
  } while (result == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0));
  inflateEnd(&stream);
  const bool good = result == Z_STREAM_END || (!whole && (result == Z_OK || result == Z_BUF_ERROR));
  return good ? std::optional(text) : std::nullopt;
}

inline std::optional<std::string> decompress_brotli(std::string_view body, bool whole = true) {
  auto* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  std::size_t left = body.size();
  auto* next_in = reinterpret_cast<const uint8_t*>(body.data());
  std::string text;
  auto result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
  while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
    char room[4096];
    std::size_t room_left = sizeof room;
    auto* next_out = reinterpret_cast<uint8_t*>(room);
    result = BrotliDecoderDecompressStream(state, &left, &next_in, &room_left, &next_out, nullptr);
    text.append(room, sizeof room - room_left);
  }
  BrotliDecoderDestroyInstance(state);
  const bool good =
      result == BROTLI_DECODER_RESULT_SUCCESS || (!whole && result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT);
  return good && left == 0 ? std::optional(text) : std::nullopt;
}

inline std::optional<std::string> decompress_zstd(std::string_view body, bool whole = true) {
  auto* context = ZSTD_createDCtx();
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  std::string text;
  std::size_t left = 1;
  bool more = true;
  while (more && ZSTD_isError(left) == 0) {
    char room[4096];
    ZSTD_outBuffer out{room, sizeof room, 0};
    left = ZSTD_decompressStream(context, &out, &in);
    text.append(room, out.pos);
    more = in.pos < in.size || out.pos == out.size;
  }
  ZSTD_freeDCtx(context);
  const bool good = left == 0 || (!whole && ZSTD_isError(left) == 0);
  return good ? std::optional(text) : std::nullopt;
}

}  // namespace headgate::testing_support
