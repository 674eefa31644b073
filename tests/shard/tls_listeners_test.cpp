// SPDX-License-Identifier: Apache-2.0
// Listeners beside each other at one address and port: the server name leads from the context that a
// handshake begins with to that of another listener, whose word on clients and versions alone must count from
// there on.
#include <gmock/gmock.h>

#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {
namespace {

using contract::ClientAuth;

// The listener for any host is what every handshake begins with (Door::any()).
class TlsListenersTest : public TlsFixture {
 protected:
  void add_listener(const std::string& uid, const contract::ListenerTls& tls) {
    auto listener = tls_listener();
    listener.uid = uid;
    listener.name = uid;
    listener.hostname = uid + ".example";
    listener.tls = tls;
    listener.tls->certificates = {"c0"};
    objects_.push_back(listener);
  }
  void add_authorities(const std::string& uid, const TestAuthority& authority) {
    contract::TrustBundle bundle;
    bundle.uid = uid;
    bundle.certificates = authority.certificate();
    objects_.push_back(bundle);
  }
  static contract::ListenerTls asking(ClientAuth client_auth, const std::string& client_ca) {
    contract::ListenerTls tls;
    tls.client_auth = client_auth;
    tls.client_ca = client_ca;
    return tls;
  }
  // All have the same certificate, so that nothing but the listener sets them apart.
  void start_listeners() {
    start_tls(
        {issue("all",
               "DNS:any.example,DNS:open.example,DNS:strict.example,DNS:other.example,DNS:modern.example,"
               "DNS:app.example")});
    ASSERT_EQ(tls_problems(), "");
  }
  static IssuedCertificate client_of(const TestAuthority& authority) {
    CertificateSpec spec;
    spec.common_name = "a client";
    return authority.issue(spec);
  }
  // Whether a request for that name is answered. Of TLS 1.3 a client learns that it is refused by what it
  // reads.
  bool lets_in(const std::string& server_name, const IssuedCertificate& own = {},
               int max_version = TLS1_3_VERSION) {
    auto client = peer(TlsPeerOptions{.server_name = server_name,
                                      .authority = authority_.certificate(),
                                      .own = own,
                                      .max_version = max_version});
    if (!client.handshake()) return false;
    client.send("GET / HTTP/1.1\r\nHost: " + server_name + "\r\n\r\n");
    return client.read_until("no_rule\n").starts_with("HTTP/1.1 404");
  }
};

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

TEST_F(TlsListenersTest, AStrictListenerBesideAnOpenOneLetsInNobodyWithoutACertificate) {
  const TestAuthority clients("Client CA");
  add_authorities("b1", clients);
  add_listener("strict", asking(ClientAuth::kRequire, "b1"));
  start_listeners();
  const auto theirs = client_of(clients);
  const auto strangers = client_of(TestAuthority("Other CA"));
  for (const int version : kVersions) {
    EXPECT_TRUE(lets_in("any.example", {}, version)) << version;
    EXPECT_FALSE(lets_in("strict.example", {}, version)) << version;
    EXPECT_FALSE(lets_in("STRICT.example", {}, version)) << version;
    EXPECT_FALSE(lets_in("strict.example", strangers, version)) << version;
    EXPECT_TRUE(lets_in("strict.example", theirs, version)) << version;
  }
  EXPECT_TRUE(counts(4, "tls_handshake_failures_total", "no_peer_certificate"));
  EXPECT_TRUE(counts(2, "tls_handshake_failures_total", "untrusted_peer_certificate"));
}

TEST_F(TlsListenersTest, AnOpenListenerBesideAStrictOneAsksForNoCertificate) {
  const TestAuthority clients("Client CA");
  add_authorities("b1", clients);
  tls_ = asking(ClientAuth::kRequire, "b1");
  add_listener("open", {});
  start_listeners();
  for (const int version : kVersions) {
    EXPECT_TRUE(lets_in("open.example", {}, version)) << version;
    EXPECT_FALSE(lets_in("any.example", {}, version)) << version;
    EXPECT_TRUE(lets_in("any.example", client_of(clients), version)) << version;
  }
}

TEST_F(TlsListenersTest, EachListenerBelievesItsOwnAuthoritiesOnly) {
  const TestAuthority one("One");
  const TestAuthority two("Two");
  add_authorities("b1", one);
  add_authorities("b2", two);
  add_listener("strict", asking(ClientAuth::kRequire, "b1"));
  add_listener("other", asking(ClientAuth::kOptional, "b2"));
  start_listeners();
  const auto ones = client_of(one);
  const auto twos = client_of(two);
  for (const int version : kVersions) {
    EXPECT_TRUE(lets_in("strict.example", ones, version)) << version;
    EXPECT_FALSE(lets_in("strict.example", twos, version)) << version;
    EXPECT_FALSE(lets_in("other.example", ones, version)) << version;
    EXPECT_TRUE(lets_in("other.example", twos, version)) << version;
    EXPECT_TRUE(lets_in("other.example", {}, version)) << version;
  }
  EXPECT_TRUE(counts(4, "tls_handshake_failures_total", "untrusted_peer_certificate"));
}

TEST_F(TlsListenersTest, TheServerNameChoosesTheLowestVersionToo) {
  contract::ListenerTls modern;
  modern.min_version = contract::TlsVersion::kTls13;
  add_listener("modern", modern);
  start_listeners();
  EXPECT_TRUE(lets_in("any.example", {}, TLS1_2_VERSION));
  EXPECT_TRUE(lets_in("modern.example", {}, TLS1_3_VERSION));
  EXPECT_FALSE(lets_in("modern.example", {}, TLS1_2_VERSION));
  EXPECT_TRUE(counts(1, "tls_handshake_failures_total", "nothing_in_common"));
}

TEST_F(TlsListenersTest, AnOlderVersionThanThatOfTheListenerForAnyHost) {
  tls_.min_version = contract::TlsVersion::kTls13;
  add_listener("open", {});
  start_listeners();
  EXPECT_TRUE(lets_in("open.example", {}, TLS1_2_VERSION));
  EXPECT_FALSE(lets_in("any.example", {}, TLS1_2_VERSION));
}

}  // namespace
}  // namespace headgate::shard
