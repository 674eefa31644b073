// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/header_edit.hpp"

#include <gtest/gtest.h>

namespace headgate::l7::policy {
namespace {

std::string edited(const contract::HeaderEdit& edit) {
  const HeaderEdit compiled(edit);
  Headers headers;
  for (const std::string_view name : {"a", "b", "a", "cookie"}) headers.add({name, "old", header_id(name)});
  compiled.apply(headers);
  std::string text;
  for (const auto& field : headers) {
    EXPECT_EQ(field.id, header_id(field.name));
    text.append(field.name).append("=").append(field.value).append(" ");
  }
  return text;
}

TEST(HeaderEdit, SetsThenAddsThenRemoves) {
  EXPECT_EQ(edited({}), "a=old b=old a=old cookie=old ");
  EXPECT_EQ(edited({.set = {{"a", "1"}}, .add = {}, .remove = {}}), "b=old cookie=old a=1 ");
  EXPECT_EQ(edited({.set = {}, .add = {{"a", "1"}, {"a", "2"}}, .remove = {}}),
            "a=old b=old a=old cookie=old a=1 a=2 ");
  EXPECT_EQ(edited({.set = {{"c", "1"}}, .add = {{"b", "2"}}, .remove = {"a", "b", "x"}}), "cookie=old c=1 ");
  EXPECT_EQ(edited({.set = {{"authorization", "x"}}, .add = {}, .remove = {"cookie"}}),
            "a=old b=old a=old authorization=x ");
}

TEST(HeaderEdit, DropsWhatItMayNotTouchWhoeverAsks) {
  const std::vector<contract::NamedValue> framing{
      {"content-length", "5"}, {"transfer-encoding", "chunked"}, {"connection", "x"},
      {"host", "h"},           {"x-forwarded-for", "6.6.6.6"},   {"headgate-context", "x"},
      {"client-cert", "x"},    {"client-cert-chain", "x"}};
  EXPECT_EQ(edited({.set = framing, .add = framing, .remove = {"upgrade"}}), "a=old b=old a=old cookie=old ");
}

}  // namespace
}  // namespace headgate::l7::policy
