// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/outcome.hpp"

#include <array>

namespace headgate::l7 {
namespace {

struct Meaning {
  std::string_view name;
  uint16_t http_status;
};
constexpr std::array<Meaning, kOutcomes> kMeanings{{{"found", 0},
                                                    {"bad_path", 400},
                                                    {"bad_host", 400},
                                                    {"no_listener", 404},
                                                    {"no_rule", 404},
                                                    {"no_forward", 500},
                                                    {"unresolved_forward", 500},
                                                    {"no_usable_backend", 503},
                                                    {"all_backends_tried", 503},
                                                    {"misdirected", 421},
                                                    {"pool_requests_full", 503},
                                                    {"pool_queue_full", 503},
                                                    {"pool_queue_timeout", 503},
                                                    {"bad_hop_context", 400},
                                                    {"no_hop_listener", 421},
                                                    {"listener_gone", 421}}};
static_assert(kMeanings.size() == static_cast<std::size_t>(Outcome::kListenerGone) + 1);

}  // namespace

uint16_t http_status(Outcome outcome) { return kMeanings[static_cast<std::size_t>(outcome)].http_status; }

std::string_view name_of(Outcome outcome) { return kMeanings[static_cast<std::size_t>(outcome)].name; }

}  // namespace headgate::l7
