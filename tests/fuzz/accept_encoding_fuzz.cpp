// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7
// Accept-Encoding of any bytes: no weight is above 1, what is chosen is wanted and no other is wanted more,
// and a field in two pieces says what it says in one.
#include <algorithm>
#include <cstdlib>

#include "dataplane/l7/policy/compression.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace headgate::l7;
  using headgate::contract::ContentCoding;
  const std::string_view field(reinterpret_cast<const char*>(data), size);
  Headers whole;
  whole.add({"accept-encoding", field, HeaderId::kOther});
  const auto accepted = policy::AcceptedCodings::of(whole);
  const auto best = *std::max_element(accepted.weights.begin(), accepted.weights.end());
  check(best <= 1000 && accepted.identity <= 1000);
  const auto chosen = accepted.choose({ContentCoding::kZstd, ContentCoding::kBrotli, ContentCoding::kGzip});
  check(chosen.has_value() == (best > 0 && best >= accepted.identity));
  if (chosen) check(accepted.weights[static_cast<std::size_t>(*chosen)] == best);

  const auto comma = field.find(',');
  if (comma == std::string_view::npos) return 0;
  Headers pieces;
  pieces.add({"accept-encoding", field.substr(0, comma), HeaderId::kOther});
  pieces.add({"accept-encoding", field.substr(comma + 1), HeaderId::kOther});
  const auto of_pieces = policy::AcceptedCodings::of(pieces);
  check(of_pieces.weights == accepted.weights && of_pieces.identity == accepted.identity);
  return 0;
}
