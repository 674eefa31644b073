// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/client_hello.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"
#include "tests/support/client_hellos.hpp"

namespace headgate::shard {
namespace {

using namespace testing_support;
using Status = ParsedClientHello::Status;

// Of a copy, for the parser joins records in place.
struct Seen {
  Status status;
  HelloFault fault;
  std::string server_name;
  std::string alpn;
};
Seen see(std::string bytes) {
  const auto parsed = parse_client_hello(bytes);
  Arena arena;
  return {parsed.status, parsed.fault, std::string(parsed.hello.server_name),
          std::string(alpn_text(parsed.hello.alpn, arena))};
}

std::string with_extensions(const std::string& extensions) {
  HelloParts parts;
  parts.extensions = extensions;
  return record(hello_message(parts));
}
std::string named(std::string_view name) { return with_extensions(server_name_extension(host_name(name))); }

TEST(ClientHello, SaysWhomItAsksForAndWhatItSpeaks) {
  const std::string app = server_name_extension(host_name("app.example"));
  struct Case {
    const char* what;
    std::string bytes;
    std::string server_name;
    std::string alpn;
  };
  HelloParts old;
  old.extensions.reset();
  old.session_id.clear();
  old.version = "\x03\x01";
  const std::vector<Case> cases{
      {"a name", named("app.example"), "app.example", ""},
      {"in any case of letters", named("App.EXAMPLE"), "app.example", ""},
      {"no name", with_extensions(""), "", ""},
      {"without extensions, as before TLS 1.2", record(hello_message(old)), "", ""},
      {"what it would speak", with_extensions(app + alpn_extension({"h2", "http/1.1"})), "app.example",
       "h2,http/1.1"},
      {"ahead of the name", with_extensions(alpn_extension({"h2"}) + app), "app.example", "h2"},
      {"among what nobody knows", with_extensions(extension(0x2a2a, "?") + app + extension(51, "key")),
       "app.example", ""},
      {"a name of one label", named("app"), "app", ""},
      {"an underscore is in use", named("_app.example"), "_app.example", ""},
      {"something behind it", named("app.example") + "\x14\x03\x03", "app.example", ""},
  };
  for (const auto& [what, bytes, server_name, alpn] : cases) {
    const auto seen = see(bytes);
    EXPECT_EQ(seen.status, Status::kWhole) << what << ": " << name_of(seen.fault);
    EXPECT_EQ(seen.server_name, server_name) << what;
    EXPECT_EQ(seen.alpn, alpn) << what;
  }
}

TEST(ClientHello, OverRecordsOfAnySizeIsTheSame) {
  HelloParts parts;
  parts.extensions = server_name_extension(host_name("app.example")) + alpn_extension({"h2"});
  const auto message = hello_message(parts);
  for (std::size_t each = 1; each <= message.size(); ++each) {
    const auto seen = see(records(message, each));
    EXPECT_EQ(seen.status, Status::kWhole) << each;
    EXPECT_EQ(seen.server_name, "app.example") << each;
    EXPECT_EQ(seen.alpn, "h2") << each;
  }
}

TEST(ClientHello, IsPartialUpToItsLastByte) {
  HelloParts parts;
  parts.extensions = server_name_extension(host_name("app.example"));
  const auto message = hello_message(parts);
  for (const std::size_t each : {std::size_t{1}, std::size_t{7}, message.size()}) {
    const auto bytes = records(message, each);
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_EQ(see(bytes.substr(0, length)).status, Status::kPartial) << each << " " << length;
  }
}

TEST(ClientHello, WhatIsNotExactlyOneIsMalformed) {
  const std::string name = host_name("app.example");
  HelloParts finished;
  finished.message = 20;
  HelloParts other_version;
  other_version.version = "\x02\x00";
  HelloParts long_session;
  long_session.session_id = std::string(33, 's');
  HelloParts odd_ciphers;
  odd_ciphers.ciphers = "\x13\x01\x13";
  HelloParts no_ciphers;
  no_ciphers.ciphers = "";
  HelloParts no_compressions;
  no_compressions.compressions = "";
  HelloParts behind;
  behind.behind = "x";
  const auto message = hello_message({});
  struct Case {
    const char* what;
    std::string bytes;
    HelloFault fault;
  };
  const std::vector<Case> cases{
      {"HTTP", "GET / HTTP/1.1\r\n", HelloFault::kNotTls},
      {"its first byte", "G", HelloFault::kNotTls},
      {"an alert", record("\x02\x28", 21), HelloFault::kNotTls},
      {"SSL 2", "\x16\x02", HelloFault::kNotTls},
      {"an empty record", record(""), HelloFault::kBadRecord},
      {"a longer record than there may be", std::string("\x16\x03\x01\x40\x01", 5), HelloFault::kBadRecord},
      {"an alert inside it", record(message.substr(0, 9)) + record("\x02\x28", 21), HelloFault::kBadRecord},
      {"another message in its record", record(message + hello_message(finished)), HelloFault::kBadRecord},
      {"another message", record(hello_message(finished)), HelloFault::kNotHello},
      {"a length over the limit", record(std::string("\x01\x00\x3f\xfd", 4)), HelloFault::kTooLong},
      {"another version", record(hello_message(other_version)), HelloFault::kBadForm},
      {"a long session id", record(hello_message(long_session)), HelloFault::kBadForm},
      {"half a cipher", record(hello_message(odd_ciphers)), HelloFault::kBadForm},
      {"no ciphers", record(hello_message(no_ciphers)), HelloFault::kBadForm},
      {"no compression", record(hello_message(no_compressions)), HelloFault::kBadForm},
      {"bytes behind the extensions", record(hello_message(behind)), HelloFault::kBadForm},
      {"a cut message", record(number(1, 1) + vector("\x03\x03", 3)), HelloFault::kBadForm},
      {"an extension over the end", with_extensions(number(0, 2) + number(9, 2) + "x"), HelloFault::kBadForm},
      {"half an extension", with_extensions(number(0, 1)), HelloFault::kBadForm},
      {"two lists of names", with_extensions(server_name_extension(name) + server_name_extension(name)),
       HelloFault::kBadForm},
      {"an empty list of names", with_extensions(server_name_extension("")), HelloFault::kBadForm},
      {"bytes behind the list", with_extensions(extension(0, vector(name, 2) + "x")), HelloFault::kBadForm},
      {"a name over the end", with_extensions(server_name_extension(number(0, 1) + number(9, 2) + "x")),
       HelloFault::kBadForm},
      {"two names", with_extensions(server_name_extension(name + host_name("b.example"))),
       HelloFault::kBadName},
      {"a name of another type", with_extensions(server_name_extension(host_name("app.example", 1))),
       HelloFault::kBadName},
      {"an empty name", named(""), HelloFault::kBadName},
      {"a NUL in the name", named(std::string_view("app\0.example", 12)), HelloFault::kBadName},
      {"a final dot", named("app.example."), HelloFault::kBadName},
      {"an empty label", named("app..example"), HelloFault::kBadName},
      {"an address in brackets", named("[2001:db8::1]"), HelloFault::kBadName},
      {"a wildcard", named("*.example"), HelloFault::kBadName},
      {"more than a hostname holds",
       named(std::string(63, 'a') + '.' + std::string(63, 'a') + '.' + std::string(63, 'a') + '.' +
             std::string(62, 'a')),
       HelloFault::kBadName},
      {"an empty list of protocols", with_extensions(alpn_extension({})), HelloFault::kBadForm},
      {"an empty protocol", with_extensions(alpn_extension({"h2", ""})), HelloFault::kBadForm},
      {"two lists of protocols", with_extensions(alpn_extension({"h2"}) + alpn_extension({"h2"})),
       HelloFault::kBadForm},
  };
  for (const auto& [what, bytes, fault] : cases) {
    const auto seen = see(bytes);
    EXPECT_EQ(seen.status, Status::kMalformed) << what;
    EXPECT_EQ(name_of(seen.fault), name_of(fault)) << what;
  }
}

TEST(ClientHello, EndsAtTheLimit) {
  const auto padded = [](std::size_t size_bytes) {
    HelloParts parts;
    parts.extensions = "";
    const auto frame = hello_message(parts).size() + 5 + 4;
    parts.extensions = extension(21, std::string(size_bytes - frame, '\0'));
    return record(hello_message(parts));
  };
  EXPECT_EQ(see(padded(limits::kClientHelloBytesMax)).status, Status::kWhole);
  const auto over = see(padded(limits::kClientHelloBytesMax + 1));
  EXPECT_EQ(over.status, Status::kMalformed);
  EXPECT_EQ(over.fault, HelloFault::kTooLong);
  // By its frames alone.
  HelloParts parts;
  parts.extensions = extension(21, std::string(limits::kClientHelloBytesMax / 2, '\0'));
  EXPECT_EQ(see(records(hello_message(parts), 3)).fault, HelloFault::kTooLong);
}

TEST(ClientHello, WhatItOffersIsCutOffInALog) {
  Arena arena;
  std::string list;
  for (int i = 0; i < 100; ++i) list += vector("protocol", 1);
  const auto text = alpn_text(list, arena);
  EXPECT_LE(text.size(), limits::kAlpnTextBytesMax);
  EXPECT_TRUE(text.starts_with("protocol,protocol,"));
  EXPECT_TRUE(text.ends_with(",protocol"));
  EXPECT_EQ(alpn_text("", arena), "");
}

}  // namespace
}  // namespace headgate::shard
