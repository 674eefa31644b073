// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/logged_headers.hpp"

#include <gmock/gmock.h>

#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kBytesMax = limits::kAccessLogHeaderBytesMax;

// "name: value" of each that is picked.
std::vector<std::string> picked(const std::vector<std::string>& names,
                                const std::vector<std::pair<std::string, std::string>>& fields) {
  Headers from, into;
  for (const auto& [name, value] : fields) from.add({name, value, header_id(name)});
  Arena arena;
  LoggedHeaders(names).pick(from, arena, into);
  from.clear();
  std::vector<std::string> texts;
  for (const auto& field : into) texts.push_back(std::string(field.name) + ": " + std::string(field.value));
  return texts;
}

std::string cut(const std::string& value) { return picked({"x"}, {{"x", value}}).at(0).substr(3); }

TEST(LoggedHeaders, AreThoseThatTheMessageHasInTheOrderOfTheNames) {
  EXPECT_THAT(
      picked({"accept", "user-agent", "x-none"}, {{"user-agent", "a/1"}, {"x-b", "2"}, {"accept", ""}}),
      ElementsAre("accept: ", "user-agent: a/1"));
  EXPECT_THAT(picked({}, {{"user-agent", "a/1"}}), IsEmpty());
  EXPECT_THAT(picked({"x"}, {}), IsEmpty());
}

TEST(LoggedHeaders, SeveralFieldsOfOneNameAreOne) {
  EXPECT_THAT(picked({"via", "x"}, {{"x", "1"}, {"via", "a"}, {"x", ""}, {"x", "3"}}),
              ElementsAre("via: a", "x: 1, , 3"));
}

TEST(LoggedHeaders, WhatIsTooLongIsCutOff) {
  const std::string most(kBytesMax, 'a');
  EXPECT_EQ(cut(most), most);
  EXPECT_EQ(cut(most + "b"), most);
  EXPECT_THAT(picked({"x"}, {{"x", most.substr(1)}, {"x", "b"}}), ElementsAre("x: " + most.substr(1) + ","));
  EXPECT_THAT(picked({"x"}, {{"x", most + most}, {"x", most}}), ElementsAre("x: " + most));
}

TEST(LoggedHeaders, NoCharacterIsCutInTwo) {
  for (const std::string character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
    for (std::size_t room = 0; room <= character.size(); ++room) {
      const std::string before(kBytesMax - room, 'a');
      const bool fits = room == character.size();
      EXPECT_EQ(cut(before + character + "b"), before + (fits ? character : "")) << room;
    }
}

TEST(LoggedHeaders, BytesThatAreNoCharactersEndAllTheSame) {
  EXPECT_EQ(cut(std::string(2 * kBytesMax, '\x80')), std::string(kBytesMax - 3, '\x80'));
}

TEST(LoggedHeaders, NothingThatLetsSomebodyInIsLogged) {
  for (const char* name :
       {"authorization", "proxy-authorization", "cookie", "set-cookie", "headgate-context"}) {
    EXPECT_EQ(why_not_logged(name), "carries credentials, which a log must not have") << name;
    EXPECT_THAT(picked({name, "x"}, {{name, "secret"}, {"x", "1"}}), ElementsAre("x: 1")) << name;
  }
}

TEST(LoggedHeaders, WhatIsNoFieldOfTheModelIsSaidToBeNone) {
  for (const char* name : {"connection", "content-length", "expect", "host", "http2-settings", "keep-alive",
                           "proxy-connection", "te", "transfer-encoding", "upgrade"})
    EXPECT_NE(why_not_logged(name), "") << name;
  for (const char* name : {"user-agent", "x-request-id", "traceparent", "content-type", "date", "trailer"})
    EXPECT_EQ(why_not_logged(name), "") << name;
}

TEST(LoggedHeaders, AreAFewAtMost) {
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> fields;
  for (std::size_t i = 0; i <= limits::kAccessLogHeadersMax; ++i) {
    names.push_back("x-" + std::to_string(i));
    fields.emplace_back(names.back(), "1");
  }
  EXPECT_EQ(picked(names, fields).size(), limits::kAccessLogHeadersMax);
}

}  // namespace
}  // namespace headgate::l7
