// SPDX-License-Identifier: Apache-2.0
// probed: what one probe comes to, in a test's own event loop.
#pragma once

#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "dataplane/node/health/probe.hpp"
#include "tests/node/health/backend.hpp"

namespace headgate::node {

inline ProbeResult probed(EventLoop& loop, const ProbeTarget& target, const Probe::ContextPtr& tls = {}) {
  std::optional<ProbeResult> result;
  const auto probe = begin_probe(loop, target, tls, [&](ProbeResult done) { result = std::move(done); });
  EXPECT_FALSE(result) << "never from inside the constructor";
  EXPECT_TRUE(turn_until(loop, [&] { return result.has_value(); }));
  return result.value_or(ProbeResult{});
}

}  // namespace headgate::node
