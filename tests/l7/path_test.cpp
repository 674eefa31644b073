// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/path.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

struct PathCase {
  const char* what;
  const char* raw;
  const char* normal;  // null: refused
  PathFault fault = PathFault::kNone;
};

void check(const PathCase& c, EscapedSlash escaped_slash) {
  Arena arena;
  const auto normal = normalise_path(c.raw, escaped_slash, arena);
  EXPECT_EQ(normal.fault, c.fault) << c.what << ": " << c.raw;
  EXPECT_EQ(normal.path, c.normal ? c.normal : "") << c.what << ": " << c.raw;
}

TEST(Path, HasOneNormalForm) {
  const PathCase cases[] = {
      {"root stays", "/", "/"},
      {"plain stays", "/a/b.html", "/a/b.html"},
      {"a final slash is kept", "/a/", "/a/"},
      {"empty segments are kept", "/a//b", "/a//b"},
      {"unreserved escapes are decoded", "/%7euser/%41%2d%5F", "/~user/A-_"},
      {"other escapes get upper case", "/a%3ab%c3%a9", "/a%3Ab%C3%A9"},
      {"an escaped percent is decoded once", "/%252e%252e/", "/%252e%252e/"},
      {"a dot segment goes", "/a/./b", "/a/b"},
      {"a final dot leaves its slash", "/a/.", "/a/"},
      {"two dots take their parent", "/a/b/../c", "/a/c"},
      {"final two dots", "/a/b/..", "/a/"},
      {"two dots above the root stay at the root", "/../../a", "/a"},
      {"two dots take an empty segment", "/a//../b", "/a/b"},
      {"escaped dots are dots", "/a/%2e%2E/b", "/b"},
      {"half escaped dots are dots", "/a/.%2e/b", "/b"},
      {"three dots are a name", "/a/.../b", "/a/.../b"},
      {"a dot file is a name", "/.well-known/acme", "/.well-known/acme"},
      {"dots in a name", "/a..b/c.", "/a..b/c."},
      {"parameters beside a name", "/a;v=1/b;c", "/a;v=1/b;c"},
      {"printable characters that browsers send", "/a|b[c]\"{d}", "/a|b[c]\"{d}"},
  };
  for (const auto& c : cases) check(c, EscapedSlash::kRefuse);
}

TEST(Path, RefusesWhatPartiesReadDifferently) {
  const PathCase cases[] = {
      {"nothing", "", nullptr, PathFault::kNotAbsolute},
      {"relative", "a/b", nullptr, PathFault::kNotAbsolute},
      {"asterisk", "*", nullptr, PathFault::kNotAbsolute},
      {"space", "/a b", nullptr, PathFault::kBadCharacter},
      {"control", "/a\x01", nullptr, PathFault::kBadCharacter},
      {"delete", "/a\x7f", nullptr, PathFault::kBadCharacter},
      {"not ASCII", "/\xc3\xa9", nullptr, PathFault::kBadCharacter},
      {"fragment", "/a#b", nullptr, PathFault::kBadCharacter},
      {"escape without digits", "/%", nullptr, PathFault::kBadEscape},
      {"escape with one digit", "/%4", nullptr, PathFault::kBadEscape},
      {"escape with other letters", "/%4g", nullptr, PathFault::kBadEscape},
      {"escaped NUL", "/a%00", nullptr, PathFault::kEscapedNul},
      {"backslash", "/a\\..\\b", nullptr, PathFault::kBackslash},
      {"escaped backslash", "/a%5cb", nullptr, PathFault::kBackslash},
      {"escaped slash", "/a%2fb", nullptr, PathFault::kEscapedSlash},
      {"parameters after two dots", "/a/..;x/b", nullptr, PathFault::kDotParameters},
      {"parameters after a dot", "/a/.;/b", nullptr, PathFault::kDotParameters},
      {"escaped parameters after escaped dots", "/a/%2e%2e%3bx", nullptr, PathFault::kDotParameters},
  };
  for (const auto& c : cases) check(c, EscapedSlash::kRefuse);
}

TEST(Path, KeepsAnEscapedSlashAsData) {
  const PathCase cases[] = {
      {"kept, upper case", "/a%2fb/../c", "/c"},
      {"never a separator", "/x/a%2Fb", "/x/a%2Fb"},
      {"dots before it", "/..%2fa", nullptr, PathFault::kEscapedSlash},
      {"dots after it", "/a%2f..", nullptr, PathFault::kEscapedSlash},
      {"dots between two", "/a%2f%2e%2fb", nullptr, PathFault::kEscapedSlash},
      {"dots with parameters after it", "/a%2f..;b", nullptr, PathFault::kDotParameters},
      {"dots after it behind parameters", "/a;p%2f..", nullptr, PathFault::kEscapedSlash},
      {"dotted names beside it", "/..a%2f...", "/..a%2F..."},
  };
  for (const auto& c : cases) check(c, EscapedSlash::kKeep);
}

bool has_dot_segment(std::string_view path) {
  for (std::size_t begin = 1; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto segment = path.substr(begin, end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

TEST(Path, IsIdempotentAndFreeOfDotSegments) {
  constexpr std::string_view kPieces[] = {"/",   ".",   "..",  "%2e", "%2E", "%2f", ";",  "a",
                                          "%41", "%3b", "%25", "//",  "b.c", "%",   "%5", "~"};
  std::mt19937 random(1);
  for (int round = 0; round < 50'000; ++round) {
    std::string raw = "/";
    for (unsigned i = random() % 10; i > 0; --i) raw += kPieces[random() % std::size(kPieces)];
    Arena arena;
    const auto mode = random() % 2 == 0 ? EscapedSlash::kKeep : EscapedSlash::kRefuse;
    const auto once = normalise_path(raw, mode, arena);
    if (!once.ok()) continue;
    ASSERT_FALSE(has_dot_segment(once.path)) << raw;
    const auto twice = normalise_path(once.path, mode, arena);
    ASSERT_TRUE(twice.ok()) << raw << " -> " << once.path;
    ASSERT_EQ(once.path, twice.path) << raw;
  }
}

}  // namespace
}  // namespace headgate::l7
