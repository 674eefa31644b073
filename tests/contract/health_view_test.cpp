// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/health_view.hpp"

#include <gtest/gtest.h>

namespace headgate::contract {
namespace {

MemberHealth member(std::string name, bool usable) {
  return {.key = {"pool", std::move(name)}, .endpoints = {{*Endpoint::parse("192.0.2.1:80"), usable, ""}}};
}

TEST(HealthView, ViewPlusDiffIsTheNext) {
  const auto a = member("a:80", true), b = member("b:80", true), b_down = member("b:80", false),
             c = member("c:80", true);
  HealthView base{{a.key, a}, {b.key, b}};
  const HealthView next{{b.key, b_down}, {c.key, c}};
  const auto delta = diff(base, next);
  EXPECT_EQ(delta.upserts.size(), 2u);
  EXPECT_EQ(delta.removals, std::vector<HealthKey>{a.key});
  apply_health(base, delta);
  EXPECT_EQ(base, next);
}

TEST(HealthView, AFullDeltaForgets) {
  const auto a = member("a:80", true), b = member("b:80", true);
  HealthView view{{a.key, a}};
  apply_health(view, HealthDelta{.full = true, .upserts = {b}, .removals = {}});
  EXPECT_EQ(view, (HealthView{{b.key, b}}));
}

TEST(HealthView, MembersAreSpelledLikeEndpoints) {
  EXPECT_EQ(health_member("app.internal", 80), "app.internal:80");
  EXPECT_EQ(health_member("2001:db8::1", 80), "[2001:db8::1]:80");
}

}  // namespace
}  // namespace headgate::contract
