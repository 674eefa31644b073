// SPDX-License-Identifier: Apache-2.0
// Compressor: the body of one response, compressed as it passes, piece by piece through a buffer of its own.
// CompressorPool: the compressors of a thread: what one costs to set up is paid once where its library can
// start anew, and there are no more than kCompressorsMax at once, each of some hundred kilobytes. Thread:
// one.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/contract/filters.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::shard {

class Compressor {
 public:
  virtual ~Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  enum class Then : uint8_t {
    kMore,   // more will follow soon: it may keep what it likes
    kFlush,  // nobody knows when: what the client needs to read all of this comes out
    kEnd     // it was the last
  };
  // Not while next() has more to give. The bytes stay until next() has said that it has none.
  void feed(std::string_view data, Then then);
  // A part of what has been fed, valid until the next call; empty: it has no more. finished() may turn true
  // with the last one.
  std::string_view next();
  bool finished() const { return finished_; }

  contract::ContentCoding coding() const { return coding_; }
  // As new, with what it has allocated. False: this one cannot.
  virtual bool restart() = 0;

 protected:
  explicit Compressor(contract::ContentCoding coding) : coding_(coding) {}
  void begin_anew() { input_ = {}, then_ = Then::kMore, dry_ = true, finished_ = false; }

  struct Step {
    std::size_t taken = 0;  // of the input
    std::size_t made = 0;
    bool dry = true;  // the rest of this step's work needs more input
    bool finished = false;
  };
  virtual Step step(std::string_view input, Then then, char* output, std::size_t room) = 0;

 private:
  contract::ContentCoding coding_;
  std::string_view input_;
  Then then_ = Then::kMore;
  bool dry_ = true;
  bool finished_ = false;
  std::array<char, limits::kCompressedPieceBytes> output_;
};

class CompressorPool {
 public:
  struct GiveBack {
    CompressorPool* pool = nullptr;
    void operator()(Compressor* compressor) const { pool->give_back(compressor); }
  };
  using Lease = std::unique_ptr<Compressor, GiveBack>;

  bool exhausted() const { return taken_ == limits::kCompressorsMax; }
  // Not while exhausted().
  Lease take(contract::ContentCoding coding);

 private:
  void give_back(Compressor* compressor);

  std::size_t taken_ = 0;
  std::vector<std::unique_ptr<Compressor>> idle_;
};

}  // namespace headgate::shard
