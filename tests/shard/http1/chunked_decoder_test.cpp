// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/chunked_decoder.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::shard::http1 {
namespace {

struct Decoded {
  std::string body;
  std::string rest;
  std::string trailers;
  bool done = false;
  Fault fault = Fault::kNone;
};

Decoded decode(std::string wire, std::size_t piece_bytes) {
  Decoded decoded;
  ChunkedDecoder decoder;
  std::size_t at = 0;
  while (at < wire.size() && !decoded.done && decoded.fault == Fault::kNone) {
    const std::size_t length_bytes = std::min(piece_bytes, wire.size() - at);
    const auto step = decoder.decode(std::span(wire).subspan(at, length_bytes));
    decoded.body.append(wire, at, step.data_bytes);
    decoded.done = step.done;
    decoded.fault = step.fault;
    at += step.consumed_bytes;
  }
  decoded.rest = wire.substr(at);
  decoded.trailers.assign(decoder.trailers().data(), decoder.trailers().size());
  return decoded;
}

TEST(ChunkedDecoder, HoweverTheBytesArriveTheBodyIsTheSame) {
  const std::string wire = "5\r\nhello\r\n1;a=\"b\"\r\n,\r\n00A\r\n0123456789\r\n0\r\nX: y\r\n\r\nNEXT";
  for (std::size_t piece_bytes = 1; piece_bytes <= wire.size(); ++piece_bytes) {
    const auto decoded = decode(wire, piece_bytes);
    EXPECT_TRUE(decoded.done) << piece_bytes;
    EXPECT_EQ(decoded.body, "hello,0123456789") << piece_bytes;
    EXPECT_EQ(decoded.rest, "NEXT") << piece_bytes;
    EXPECT_EQ(decoded.trailers, "X: y\r\n\r\n") << piece_bytes;
  }
}

TEST(ChunkedDecoder, EveryRuleOfStrictness) {
  const std::string long_extension(limits::kChunkExtensionBytesMax + 1, 'e');
  const std::string long_trailer(limits::kTrailerBytesMax + 1, 't');
  const std::pair<std::string, Fault> cases[]{
      {"\r\n", Fault::kChunkSize},
      {" 5\r\nhello", Fault::kChunkSize},
      {"+5\r\nhello", Fault::kChunkSize},
      {"-5\r\nhello", Fault::kChunkSize},
      {"0x5\r\nhello", Fault::kChunkSize},
      {"5 \r\nhello", Fault::kChunkSize},
      {"5\nhello", Fault::kBareLineFeed},
      {"5\rhello", Fault::kBareCarriageReturn},
      {"1000000000000000\r\n", Fault::kChunkSize},
      {"0000000000000005\r\n", Fault::kChunkSize},
      {"5;a\nb", Fault::kChunkExtension},
      {"5;a\rb", Fault::kBareCarriageReturn},
      {"5;" + long_extension, Fault::kChunkExtension},
      {"5\r\nhello5\r\n", Fault::kChunkEnd},
      {"5\r\nhello\n", Fault::kChunkEnd},
      {"5\r\nhello\r\r", Fault::kChunkEnd},
      {"0\r\nX: y\n", Fault::kBareLineFeed},
      {"0\r\n\n", Fault::kBareLineFeed},
      {"0\r\n" + long_trailer, Fault::kTrailer},
  };
  for (const auto& [wire, fault] : cases)
    EXPECT_EQ(name_of(decode(wire, wire.size()).fault), name_of(fault)) << wire.substr(0, 40);
}

}  // namespace
}  // namespace headgate::shard::http1
