// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/authority.hpp"

#include <string>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

struct AuthorityCase {
  const char* what;
  std::string text;
  const char* host;  // null: refused
  std::optional<uint16_t> port = std::nullopt;
};

TEST(Authority, IsParsedStrictly) {
  const std::string label63(63, 'a');
  const std::string longest = label63 + ".com";
  const AuthorityCase cases[] = {
      {"a name", "example.com", "example.com"},
      {"upper case is lowered", "EXAMPLE.Com", "example.com"},
      {"the port is apart", "example.com:8080", "example.com", 8080},
      {"an empty port is none", "example.com:", "example.com"},
      {"a final dot is the same name", "example.com.:80", "example.com", 80},
      {"an underscore is in use", "_dmarc.a_b.example", "_dmarc.a_b.example"},
      {"one label", "localhost", "localhost"},
      {"IPv4", "192.0.2.1:80", "192.0.2.1", 80},
      {"IPv6", "[2001:DB8::1]:443", "[2001:db8::1]", 443},
      {"IPv6 without port", "[::1]", "[::1]"},
      {"the longest label", label63 + ".com", longest.c_str()},
      {"nothing", "", nullptr},
      {"only a port", ":80", nullptr},
      {"only a dot", ".", nullptr},
      {"an empty label", "a..b", nullptr},
      {"a leading dot", ".example.com", nullptr},
      {"two final dots", "example.com..", nullptr},
      {"a label too long", label63 + "a.com", nullptr},
      {"a name too long", label63 + "." + label63 + "." + label63 + "." + label63, nullptr},
      {"user information", "user@example.com", nullptr},
      {"a path", "example.com/a", nullptr},
      {"a list", "a.example, b.example", nullptr},
      {"an escape", "ex%61mple.com", nullptr},
      {"a space", " example.com", nullptr},
      {"not ASCII", "ex\xc3\xa4mple.com", nullptr},
      {"a wildcard", "*.example.com", nullptr},
      {"a port that is no number", "example.com:80a", nullptr},
      {"a signed port", "example.com:+80", nullptr},
      {"a port too large", "example.com:65536", nullptr},
      {"a port of too many digits", "example.com:000080", nullptr},
      {"two ports", "example.com:80:80", nullptr},
      {"IPv6 without brackets", "2001:db8::1", nullptr},
      {"IPv6 with a zone", "[fe80::1%eth0]", nullptr},
      {"IPv4 in brackets", "[192.0.2.1]", nullptr},
      {"an open bracket", "[::1", nullptr},
      {"text behind the bracket", "[::1]a", nullptr},
  };
  for (const auto& c : cases) {
    Arena arena;
    const auto authority = parse_authority(c.text, arena);
    ASSERT_EQ(authority.has_value(), c.host != nullptr) << c.what;
    if (!authority) continue;
    EXPECT_EQ(authority->host, c.host) << c.what;
    EXPECT_EQ(authority->port, c.port) << c.what;
    EXPECT_TRUE(is_normal_host(authority->host)) << c.what;
  }
}

}  // namespace
}  // namespace headgate::l7
