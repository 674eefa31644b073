// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: tls
// A chain, a key and a trust bundle of any bytes: refused with a sentence, or read the same way twice; names
// are lower case and bounded, and a key is never found to match what is no chain.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/tls/certificate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto facts = headgate::tls::parse_chain(text);
  if (facts.ok()) {
    HG_ASSERT(facts->fingerprint.size() == 64);
    HG_ASSERT(facts->dns_names.size() <= headgate::limits::kNamesPerCertificateMax);
    for (const auto& name : facts->dns_names)
      HG_ASSERT(
          std::none_of(name.begin(), name.end(), [](char c) { return c <= ' ' || (c >= 'A' && c <= 'Z'); }));
    HG_ASSERT(headgate::tls::parse_chain(text)->fingerprint == facts->fingerprint);
  } else {
    HG_ASSERT(!facts.error().message.empty());
  }
  [[maybe_unused]] const auto bundle = headgate::tls::parse_trust_bundle(text);
  [[maybe_unused]] const auto matches = headgate::tls::check_key_matches(text, text);
  return 0;
}
