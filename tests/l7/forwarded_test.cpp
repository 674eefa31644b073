// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/forwarded.hpp"

#include <string>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

const std::vector<Prefix> kTrusted{*Prefix::parse("10.0.0.0/8"), *Prefix::parse("2001:db8:1::/48")};

struct Request {
  Arena arena;
  RequestHead head;

  explicit Request(std::vector<Header> fields) {
    head.host = "app.example.com";
    for (auto& field : fields) {
      field.id = header_id(field.name);
      head.headers.add(field);
    }
  }
  ForwardedFacts from(const std::string& peer) {
    peer_text = peer;
    const ClientSide side{*IpAddress::parse(peer), peer_text, "http", 80, kTrusted};
    return resolve_forwarded(head, side, {0x0123456789abcdef, 0xfedcba9876543210}, arena);
  }
  std::string peer_text;
};

TEST(Forwarded, TheClientIsTheRightmostAddressThatIsNoTrustedProxy) {
  struct Case {
    const char* what;
    const char* peer;
    std::vector<Header> fields;
    const char* client;
    const char* forwarded_for;
  };
  const Case cases[] = {
      {"no proxy", "198.51.100.7", {}, "198.51.100.7", "198.51.100.7"},
      {"an untrusted peer is not believed",
       "198.51.100.7",
       {{"x-forwarded-for", "1.1.1.1"}},
       "198.51.100.7",
       "198.51.100.7"},
      {"a trusted peer without the field", "10.1.1.1", {}, "10.1.1.1", "10.1.1.1"},
      {"a trusted peer is believed",
       "10.1.1.1",
       {{"x-forwarded-for", "203.0.113.9"}},
       "203.0.113.9",
       "203.0.113.9, 10.1.1.1"},
      {"what the client wrote is dropped",
       "10.1.1.1",
       {{"x-forwarded-for", "1.1.1.1, 203.0.113.9"}},
       "203.0.113.9",
       "203.0.113.9, 10.1.1.1"},
      {"trusted hops between are kept",
       "10.1.1.1",
       {{"x-forwarded-for", "1.1.1.1,203.0.113.9 ,10.2.2.2"}},
       "203.0.113.9",
       "203.0.113.9, 10.2.2.2, 10.1.1.1"},
      {"several fields are one list",
       "10.1.1.1",
       {{"x-forwarded-for", "203.0.113.9"}, {"a", "b"}, {"x-forwarded-for", "10.2.2.2"}},
       "203.0.113.9",
       "203.0.113.9, 10.2.2.2, 10.1.1.1"},
      {"all trusted: the leftmost",
       "10.1.1.1",
       {{"x-forwarded-for", "10.3.3.3, 10.2.2.2"}},
       "10.3.3.3",
       "10.3.3.3, 10.2.2.2, 10.1.1.1"},
      {"text that is no address ends it",
       "10.1.1.1",
       {{"x-forwarded-for", "203.0.113.9, unknown, 10.2.2.2"}},
       "10.2.2.2",
       "10.2.2.2, 10.1.1.1"},
      {"only text that is no address", "10.1.1.1", {{"x-forwarded-for", "_hidden"}}, "10.1.1.1", "10.1.1.1"},
      {"empty elements",
       "10.1.1.1",
       {{"x-forwarded-for", ",203.0.113.9,,"}},
       "203.0.113.9",
       "203.0.113.9, 10.1.1.1"},
      {"with ports",
       "10.1.1.1",
       {{"x-forwarded-for", "203.0.113.9:4711, 10.2.2.2:80"}},
       "203.0.113.9",
       "203.0.113.9, 10.2.2.2, 10.1.1.1"},
      {"IPv6 in all forms",
       "2001:db8:1::1",
       {{"x-forwarded-for", "2001:DB8:9::9, [2001:db8:1::3]:443, [2001:db8:1::2]"}},
       "2001:db8:9::9",
       "2001:db8:9::9, 2001:db8:1::3, 2001:db8:1::2, 2001:db8:1::1"},
      {"IPv4-mapped is IPv4",
       "10.1.1.1",
       {{"x-forwarded-for", "203.0.113.9, ::ffff:10.2.2.2"}},
       "203.0.113.9",
       "203.0.113.9, 10.2.2.2, 10.1.1.1"},
  };
  for (const auto& c : cases) {
    Request request(c.fields);
    const auto facts = request.from(c.peer);
    EXPECT_EQ(facts.client.to_string(), c.client) << c.what;
    EXPECT_EQ(facts.client_text, c.client) << c.what;
    EXPECT_EQ(facts.forwarded_for, c.forwarded_for) << c.what;
  }
}

TEST(Forwarded, ALongChainIsCutAtItsBound) {
  std::string chain = "203.0.113.9";
  for (int i = 0; i < 1000; ++i) chain += ", 10.0.0.1";
  Request request(std::vector<Header>{{"x-forwarded-for", chain}});
  EXPECT_EQ(request.from("10.1.1.1").client.to_string(), "10.0.0.1");
}

TEST(Forwarded, SchemeHostPortAndIdAreTheListenersUnlessATrustedProxySaysWell) {
  const std::vector<Header> said{{"x-forwarded-proto", "https"},
                                 {"x-forwarded-host", "shop.example:8443"},
                                 {"x-forwarded-port", "8443"},
                                 {"x-request-id", "abc-123"}};
  Request believed(said);
  auto facts = believed.from("10.1.1.1");
  EXPECT_EQ(facts.scheme, "https");
  EXPECT_EQ(facts.host, "shop.example:8443");
  EXPECT_EQ(facts.port, "8443");
  EXPECT_EQ(facts.request_id, "abc-123");

  Request untrusted(said);
  untrusted.head.port = 8080;
  facts = untrusted.from("198.51.100.7");
  EXPECT_EQ(facts.scheme, "http");
  EXPECT_EQ(facts.host, "app.example.com:8080");
  EXPECT_EQ(facts.port, "80");
  EXPECT_EQ(facts.request_id, "01234567-89ab-4def-bedc-ba9876543210");

  Request malformed({{"x-forwarded-proto", "https, http"},
                     {"x-forwarded-host", "a/b"},
                     {"x-forwarded-port", "0"},
                     {"x-request-id", "a b"}});
  facts = malformed.from("10.1.1.1");
  EXPECT_EQ(facts.scheme, "http");
  EXPECT_EQ(facts.host, "app.example.com");
  EXPECT_EQ(facts.port, "80");
  EXPECT_EQ(facts.request_id.size(), 36U);

  Request twice({{"x-forwarded-proto", "https"}, {"x-forwarded-proto", "http"}});
  EXPECT_EQ(twice.from("10.1.1.1").scheme, "http");
  Request only_scheme(std::vector<Header>{{"x-forwarded-proto", "https"}});
  EXPECT_EQ(only_scheme.from("10.1.1.1").port, "443");
}

std::string text_of(const Headers& headers) {
  std::string text;
  for (const auto& field : headers) text.append(field.name).append(": ").append(field.value).append("\n");
  return text;
}

TEST(Forwarded, NothingThatAClientSaysOfItselfPasses) {
  const std::vector<Header> said{
      {"x-forwarded-for", "1.1.1.1"}, {"x-forwarded-for", "2.2.2.2"},         {"forwarded", "for=1.1.1.1"},
      {"x-real-ip", "1.1.1.1"},       {"x-forwarded-prefix", "/x"},           {"x-forwarded-proto", "https"},
      {"x-request-id", "mine"},       {"headgate-context", "client=1.1.1.1"}, {"accept", "*/*"}};
  Request untrusted(said);
  set_forwarded(untrusted.head.headers, untrusted.from("198.51.100.7"));
  EXPECT_EQ(text_of(untrusted.head.headers),
            "accept: */*\nx-forwarded-for: 198.51.100.7\nx-forwarded-proto: http\n"
            "x-forwarded-host: app.example.com\nx-forwarded-port: 80\n"
            "x-request-id: 01234567-89ab-4def-bedc-ba9876543210\n");
  Request trusted(said);
  set_forwarded(trusted.head.headers, trusted.from("10.1.1.1"));
  EXPECT_EQ(text_of(trusted.head.headers),
            "x-forwarded-prefix: /x\naccept: */*\nx-forwarded-for: 2.2.2.2, 10.1.1.1\n"
            "x-forwarded-proto: https\nx-forwarded-host: app.example.com\nx-forwarded-port: 443\n"
            "x-request-id: mine\n");
}

// RFC 7239 section 6: an address of IPv6 stands in brackets and is quoted, as a host with a port is.
TEST(Forwarded, OnRequestTheSameFactsAreSaidInOneField) {
  struct Case {
    std::string peer;
    std::vector<Header> said;
    std::string forwarded;
  };
  const std::vector<Case> cases{
      {"198.51.100.7",
       {{"forwarded", "for=1.1.1.1"}, {"x-forwarded-for", "1.1.1.1"}},
       "for=198.51.100.7;host=\"app.example.com\";proto=http"},
      {"2001:db8::7", {}, "for=\"[2001:db8::7]\";host=\"app.example.com\";proto=http"},
      {"10.1.1.1",
       {{"x-forwarded-for", "6.6.6.6, 2001:db8::7, 10.2.2.2"},
        {"x-forwarded-proto", "https"},
        {"x-forwarded-host", "shop.example:8443"}},
       "for=\"[2001:db8::7]\";host=\"shop.example:8443\";proto=https, for=10.2.2.2, for=10.1.1.1"},
  };
  for (const auto& c : cases) {
    Request request(c.said);
    const auto facts = request.from(c.peer);
    set_forwarded(request.head.headers, facts);
    add_forwarded(request.head.headers, facts, request.arena);
    const auto* field = request.head.headers.find("forwarded");
    ASSERT_NE(field, nullptr);
    EXPECT_EQ(field->value, c.forwarded);
  }
}

TEST(Forwarded, AHostThatNobodySaidIsLeftOut) {
  Request request({});
  request.head.host = {};
  add_forwarded(request.head.headers, request.from("198.51.100.7"), request.arena);
  EXPECT_EQ(text_of(request.head.headers), "forwarded: for=198.51.100.7;proto=http\n");
}

TEST(Forwarded, ACertificateIsToldOnceAndByNobodyElse) {
  constexpr ClientCertificate kShown{.name = "n", .sha256 = "5a", .field = {}};
  constexpr ClientCertificate kTold{.name = "n", .sha256 = "5a", .field = ":AA==:"};
  const std::vector<Header> one{{"client-cert", ":said:"}, {"client-cert-chain", ":a:, :b:"}};
  const std::vector<Header> two{
      {"client-cert", ":said:"}, {"client-cert", ":more:"}, {"client-cert-chain", ":a:"}};
  const std::vector<Header> chain{{"client-cert-chain", ":a:"}};
  const std::string kept = "client-cert: :said:\nclient-cert-chain: :a:, :b:\n";
  const struct {
    const char* what;
    const char* peer;
    std::vector<Header> said;
    ClientCertificate certificate;
    bool forwards;
    std::string told;
  } cases[] = {
      {"a stranger's word", "198.51.100.7", one, {}, false, ""},
      {"a stranger's, who has shown one", "198.51.100.7", one, kShown, false, ""},
      {"and it is forwarded", "198.51.100.7", one, kTold, true, "client-cert: :AA==:\n"},
      {"a stranger who has none", "198.51.100.7", one, {}, true, ""},
      {"a trusted proxy's word", "10.1.1.1", one, {}, false, kept},
      {"which of two is its own, nobody can tell", "10.1.1.1", two, {}, false, ""},
      {"issuers of nothing", "10.1.1.1", chain, {}, false, ""},
      {"a trusted proxy that has shown one", "10.1.1.1", one, kShown, false, ""},
      {"and it is forwarded", "10.1.1.1", one, kTold, true, "client-cert: :AA==:\n"},
      {"a trusted proxy where ours would be forwarded", "10.1.1.1", one, {}, true, ""},
  };
  for (const auto& c : cases) {
    Request request(c.said);
    const std::string peer = c.peer;
    const ClientSide side{*IpAddress::parse(peer), peer, "https", 443, kTrusted, c.certificate, c.forwards};
    const auto facts = resolve_forwarded(request.head, side, {1, 2}, request.arena);
    EXPECT_EQ(facts.certificate.name, c.certificate.name) << c.what;
    set_forwarded(request.head.headers, facts);
    std::string told;
    for (const auto& field : request.head.headers)
      if (field.id == HeaderId::kClientCert || field.id == HeaderId::kClientCertChain)
        told.append(field.name).append(": ").append(field.value).append("\n");
    EXPECT_EQ(told, c.told) << c.what << ", " << c.peer;
  }
}

// As CGI, WSGI and PHP read names.
TEST(Forwarded, AnUnderscoreIsAHyphenToSomeBackends) {
  const std::vector<Header> said{{"client_cert", ":AAAA:"},
                                 {"client-cert_chain", ":AAAA:"},
                                 {"x_forwarded_for", "1.1.1.1"},
                                 {"x-forwarded_else", "x"},
                                 {"x_real_ip", "1.1.1.1"},
                                 {"x_request-id", "x"},
                                 {"headgate_context", "x"},
                                 {"client_certificate", "x"},
                                 {"my_header", "x"},
                                 {"_", "x"}};
  for (const char* peer : {"198.51.100.7", "10.1.1.1"}) {
    Request request(said);
    guard_trailers(request.head.headers, request.from(peer));
    EXPECT_EQ(text_of(request.head.headers), "client_certificate: x\nmy_header: x\n_: x\n") << peer;
    Request in_head(said);
    set_forwarded(in_head.head.headers, in_head.from(peer));
    EXPECT_EQ(text_of(in_head.head.headers).find("1.1.1.1"), std::string::npos) << peer;
    EXPECT_EQ(text_of(in_head.head.headers).find("AAAA"), std::string::npos) << peer;
  }
}

TEST(Forwarded, NorDoesItPassBehindTheBody) {
  const std::vector<Header> said{{"grpc-status", "0"},
                                 {"x-real-ip", "1.1.1.1"},
                                 {"x-forwarded-client-cert", "c"},
                                 {"x-forwarded-prefix", "/x"},
                                 {"x-sum", "1"}};
  Request untrusted(said);
  guard_trailers(untrusted.head.headers, untrusted.from("198.51.100.7"));
  EXPECT_EQ(text_of(untrusted.head.headers), "grpc-status: 0\nx-sum: 1\n");
  Request trusted(said);
  guard_trailers(trusted.head.headers, trusted.from("10.1.1.1"));
  EXPECT_EQ(text_of(trusted.head.headers),
            "grpc-status: 0\nx-forwarded-client-cert: c\nx-forwarded-prefix: /x\nx-sum: 1\n");
}

TEST(Forwarded, AnAddressOfIPv4HasOneFormOfIPv6) {
  const auto four = *IpAddress::parse("192.0.2.7");
  const auto six = *IpAddress::parse("2001:db8::7");
  EXPECT_EQ(with_mapping(four), *IpAddress::parse("::ffff:192.0.2.7"));
  EXPECT_EQ(without_mapping(with_mapping(four)), four);
  EXPECT_EQ(with_mapping(six), six);
  EXPECT_EQ(without_mapping(six), six);
}

}  // namespace
}  // namespace headgate::l7
