// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/compressor.hpp"

#include <algorithm>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "dataplane/core/assert.hpp"

namespace headgate::shard {
namespace {

using contract::ContentCoding;
using Then = Compressor::Then;

// Fast rather than small: it is done for each response anew.
constexpr int kGzipLevel = 4;
constexpr int kGzipWindowBits = 15 + 16;  // 16: with gzip's head and check sum
constexpr int kGzipMemoryLevel = 8;
constexpr uint32_t kBrotliQuality = 3;
constexpr uint32_t kBrotliWindowBits = 17;
constexpr int kZstdLevel = 2;
constexpr int kZstdWindowBits = 17;

class Gzip final : public Compressor {
 public:
  Gzip() : Compressor(ContentCoding::kGzip) {
    const int made =
        deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kGzipWindowBits, kGzipMemoryLevel, Z_DEFAULT_STRATEGY);
    HG_ASSERT(made == Z_OK);
  }
  ~Gzip() override { deflateEnd(&stream_); }
  bool restart() override {
    begin_anew();
    return deflateReset(&stream_) == Z_OK;
  }

 private:
  Step step(std::string_view input, Then then, char* output, std::size_t room) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));  // it only reads
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output);
    stream_.avail_out = static_cast<uInt>(room);
    const int flush = then == Then::kEnd ? Z_FINISH : then == Then::kFlush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    const int result = deflate(&stream_, flush);
    HG_ASSERT(result != Z_STREAM_ERROR);
    return {.taken = input.size() - stream_.avail_in,
            .made = room - stream_.avail_out,
            .dry = stream_.avail_out != 0,
            .finished = result == Z_STREAM_END};
  }

  z_stream stream_{};
};

class Brotli final : public Compressor {
 public:
  Brotli()
      : Compressor(ContentCoding::kBrotli), state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    HG_ASSERT(state_ != nullptr);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, kBrotliQuality);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kBrotliWindowBits);
  }
  ~Brotli() override { BrotliEncoderDestroyInstance(state_); }
  bool restart() override { return false; }  // the library can't

 private:
  Step step(std::string_view input, Then then, char* output, std::size_t room) override {
    const auto operation = then == Then::kEnd     ? BROTLI_OPERATION_FINISH
                           : then == Then::kFlush ? BROTLI_OPERATION_FLUSH
                                                  : BROTLI_OPERATION_PROCESS;
    auto left = input.size();
    auto* next_in = reinterpret_cast<const uint8_t*>(input.data());
    auto room_left = room;
    auto* next_out = reinterpret_cast<uint8_t*>(output);
    const auto taken =
        BrotliEncoderCompressStream(state_, operation, &left, &next_in, &room_left, &next_out, nullptr);
    HG_ASSERT(taken == BROTLI_TRUE);
    return {.taken = input.size() - left,
            .made = room - room_left,
            .dry = left == 0 && BrotliEncoderHasMoreOutput(state_) == BROTLI_FALSE,
            .finished = BrotliEncoderIsFinished(state_) == BROTLI_TRUE};
  }

  BrotliEncoderState* state_;
};

class Zstd final : public Compressor {
 public:
  Zstd() : Compressor(ContentCoding::kZstd), context_(ZSTD_createCCtx()) {
    HG_ASSERT(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, kZstdWindowBits);
  }
  ~Zstd() override { ZSTD_freeCCtx(context_); }
  bool restart() override {
    begin_anew();
    return ZSTD_isError(ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) == 0;
  }

 private:
  Step step(std::string_view input, Then then, char* output, std::size_t room) override {
    const auto directive = then == Then::kEnd     ? ZSTD_e_end
                           : then == Then::kFlush ? ZSTD_e_flush
                                                  : ZSTD_e_continue;
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output, room, 0};
    const auto left = ZSTD_compressStream2(context_, &out, &in, directive);
    HG_ASSERT(ZSTD_isError(left) == 0);
    const bool done = then == Then::kMore ? in.pos == in.size && out.pos < room : left == 0;
    return {.taken = in.pos, .made = out.pos, .dry = done, .finished = then == Then::kEnd && left == 0};
  }

  ZSTD_CCtx* context_;
};

std::unique_ptr<Compressor> make_compressor(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return std::make_unique<Gzip>();
    case ContentCoding::kBrotli:
      return std::make_unique<Brotli>();
    case ContentCoding::kZstd:
      return std::make_unique<Zstd>();
  }
  return nullptr;
}

}  // namespace

void Compressor::feed(std::string_view data, Then then) {
  HG_ASSERT(dry_ && !finished_);
  input_ = data;
  then_ = then;
  dry_ = false;
}

std::string_view Compressor::next() {
  while (!dry_) {
    const auto done = step(input_, then_, output_.data(), output_.size());
    input_.remove_prefix(done.taken);
    dry_ = done.dry && input_.empty();
    finished_ = done.finished;
    if (done.made > 0) return {output_.data(), done.made};
  }
  return {};
}

CompressorPool::Lease CompressorPool::take(ContentCoding coding) {
  HG_ASSERT(!exhausted());
  const auto idle = std::find_if(idle_.begin(), idle_.end(),
                                 [&](const auto& compressor) { return compressor->coding() == coding; });
  auto compressor = idle == idle_.end() ? make_compressor(coding) : std::move(*idle);
  if (idle != idle_.end()) idle_.erase(idle);
  ++taken_;
  return {compressor.release(), {this}};
}

void CompressorPool::give_back(Compressor* compressor) {
  std::unique_ptr<Compressor> returned(compressor);
  --taken_;
  if (idle_.size() < limits::kIdleCompressorsMax && returned->restart()) idle_.push_back(std::move(returned));
}

}  // namespace headgate::shard
