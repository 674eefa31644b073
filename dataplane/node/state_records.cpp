// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/state_records.hpp"

#include <cstring>

#include <xxhash.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::node {
namespace {

constexpr uint32_t kMagic = 0x48475231;  // "HGR1": a format of another number is never guessed at

struct [[gnu::packed]] RecordHeader {
  Be32 magic;
  Be32 length_bytes;
  Be64 checksum;       // XXH3 of the JSON
  Be64 base_checksum;  // of the base that this record follows; 0: it is the base
};
static_assert(sizeof(RecordHeader) == 24);

struct Record {
  contract::Delta delta;
  uint64_t checksum;
  uint64_t base_checksum;
  std::size_t size_bytes;
};

// The record at the start of `bytes`.
Result<Record> read_record(std::string_view bytes) {
  RecordHeader header;
  if (bytes.size() < sizeof header) return Error{ErrorCode::kInvalid, "a torn record header"};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic.host() != kMagic) return Error{ErrorCode::kInvalid, "no record of this format"};
  const std::size_t length_bytes = header.length_bytes.host();
  if (length_bytes > limits::kFrameBytesMax || length_bytes > bytes.size() - sizeof header)
    return Error{ErrorCode::kInvalid, "a torn record"};
  const auto json = bytes.substr(sizeof header, length_bytes);
  if (XXH3_64bits(json.data(), json.size()) != header.checksum.host())
    return Error{ErrorCode::kInvalid, "a record with a wrong checksum"};
  auto delta = contract::decode_delta(json);
  if (!delta.ok()) return std::move(delta).error();
  return Record{std::move(*delta), header.checksum.host(), header.base_checksum.host(),
                sizeof header + length_bytes};
}

std::string frame(const std::string& json, uint64_t checksum, uint64_t base_checksum) {
  const RecordHeader header{Be32(kMagic), Be32(static_cast<uint32_t>(json.size())), Be64(checksum),
                            Be64(base_checksum)};
  std::string record(reinterpret_cast<const char*>(&header), sizeof header);
  return record += json;
}

}  // namespace

EncodedBase encode_base(const contract::Snapshot& snapshot) {
  const auto json = contract::encode(contract::full(snapshot));
  const uint64_t checksum = XXH3_64bits(json.data(), json.size());
  return {frame(json, checksum, 0), checksum};
}

std::string encode_log_record(const contract::Delta& delta, uint64_t base_checksum) {
  const auto json = contract::encode(delta);
  return frame(json, XXH3_64bits(json.data(), json.size()), base_checksum);
}

Result<LoadedState> load_state(std::string_view base, std::string_view log) {
  auto first = read_record(base);
  if (!first.ok()) return Error{first.error().code, "the base holds " + first.error().message};
  if (first->base_checksum != 0 || first->delta.base != 0 || first->size_bytes != base.size())
    return Error{ErrorCode::kInvalid, "the base is not one full snapshot"};
  LoadedState state;
  state.base_checksum = first->checksum;
  if (auto applied = contract::apply(state.snapshot, first->delta); !applied.ok())
    return std::move(applied).error();
  while (state.log_good_bytes < log.size()) {
    auto record = read_record(log.substr(state.log_good_bytes));
    if (!record.ok()) {
      state.warning = "the log's end is ignored: it holds " + record.error().message;
      break;
    }
    if (record->base_checksum != state.base_checksum) break;  // a log of the base before this one
    if (auto applied = contract::apply(state.snapshot, record->delta); !applied.ok()) {
      state.warning = "the log's end is ignored: " + applied.error().message;
      break;
    }
    state.log_good_bytes += record->size_bytes;
  }
  return state;
}

}  // namespace headgate::node
