// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: l7
// Cookies and the affinity in them, from any bytes: what is found lies inside the field, without white space
// around or a semicolon in it, and an affinity that is read is written back as the same cookie.
#include <cstdlib>
#include <string>

#include "dataplane/l7/affinity.hpp"
#include "dataplane/l7/cookie.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace headgate::l7;
  const std::string_view field(reinterpret_cast<const char*>(data), size);
  Headers headers;
  headers.add(HeaderId::kCookie, field);
  const headgate::contract::CookieAffinity rule{.name = "stay"};
  if (const auto value = find_cookie(headers, rule.name); value && !value->empty()) {
    check(value->data() >= field.data() && value->data() + value->size() <= field.data() + field.size());
    check(value->find(';') == std::string_view::npos);
    check(value->front() != ' ' && value->back() != ' ');
  }
  if (const auto affinity = read_affinity(headers, rule)) {
    headgate::Arena arena;
    const std::string written(write_affinity(rule, *affinity, arena));
    Headers again;
    again.add(HeaderId::kCookie, std::string_view(written).substr(0, written.find(';')));
    check(read_affinity(again, rule) == affinity);
  }
  return 0;
}
