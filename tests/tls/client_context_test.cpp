// SPDX-License-Identifier: Apache-2.0
// Whom a client believes, against a server that OpenSSL plays: one handshake over a pair of sockets each.
#include "dataplane/tls/client_context.hpp"

#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>

#include "dataplane/tls/session.hpp"
#include "tests/support/tls_peer.hpp"

namespace headgate::tls {
namespace {

using testing::HasSubstr;
using testing_support::CertificateSpec;
using testing_support::IssuedCertificate;
using testing_support::SocketPeer;
using testing_support::TestAuthority;
using testing_support::TlsBackendOptions;
using testing_support::TlsPeer;

class ClientContextTest : public testing::Test {
 protected:
  IssuedCertificate issue(const std::string& alternative_names, const std::string& common_name = "test",
                          long ends_in_s = 3600) const {
    CertificateSpec spec;
    spec.common_name = common_name;
    spec.alternative_names = alternative_names;
    spec.begins_in_s = -7200;
    spec.ends_in_s = ends_in_s;
    return authority_.issue(spec);
  }
  ClientPolicy believing(std::vector<std::string> subject_alt_names = {}) const {
    ClientPolicy policy;
    policy.authorities = authority_.certificate();
    policy.subject_alt_names = std::move(subject_alt_names);
    return policy;
  }

  // Ends when the server's side of it does. The session stays for more.
  HandshakeFailure handshake(const ClientPolicy& policy, const std::string& server_name,
                             const TlsBackendOptions& backend, const Ticket& ticket = {}) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    session_ = {};
    greeting_.clear();
    socket_.reset(fds[0]);
    ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
    server_ = std::make_unique<TlsPeer>(SocketPeer(UniqueFd(fds[1])), backend);
    std::thread playing([this] {
      if (server_->handshake()) server_->send("hello");
      server_->socket().shutdown_write();
    });
    if (!context_) context_ = *ClientContext::make(policy);
    session_ = Session::connect(context_, fds[0], server_name, ticket);
    Session::Result result = session_.handshake();
    while (result.status == Session::Status::kWantsRead || result.status == Session::Status::kWantsWrite) {
      pollfd ready{fds[0], POLLIN, 0};
      ::poll(&ready, 1, testing_support::kDeadlineMs);
      session_.note_socket(true, true, false);
      result = session_.handshake();
    }
    const bool shook_hands = result.status == Session::Status::kOk;
    if (shook_hands) greeting_ = read_greeting();
    if (!shook_hands) ::shutdown(fds[0], SHUT_RDWR);
    playing.join();
    return shook_hands ? HandshakeFailure::kNone : session_.failure();
  }
  HandshakeFailure anew(const ClientPolicy& policy, const std::string& server_name,
                        const TlsBackendOptions& backend) {
    context_.reset();
    return handshake(policy, server_name, backend);
  }

  std::string read_greeting() {
    char room[64];
    for (;;) {
      const auto got = session_.read(room);
      if (got.status == Session::Status::kOk) return {room, got.bytes};
      if (got.status != Session::Status::kWantsRead) return {};
      pollfd ready{socket_.get(), POLLIN, 0};
      ::poll(&ready, 1, testing_support::kDeadlineMs);
      session_.note_socket(true, true, false);
    }
  }

  TestAuthority authority_{"Backends' CA"};
  UniqueFd socket_;  // outlives the session
  std::shared_ptr<const ClientContext> context_;
  std::unique_ptr<TlsPeer> server_;
  Session session_;
  std::string greeting_;
};

TEST_F(ClientContextTest, ABackendMustStandForTheNameThatIsAskedFor) {
  struct Case {
    const char* what;
    std::string names;
    std::string server_name;
    HandshakeFailure failure;
  };
  for (const auto& [what, names, server_name, failure] : std::vector<Case>{
           {"its name", "DNS:app.example", "app.example", HandshakeFailure::kNone},
           {"one of several", "DNS:b.example,DNS:app.example", "app.example", HandshakeFailure::kNone},
           {"a wildcard", "DNS:*.b.example", "app.b.example", HandshakeFailure::kNone},
           {"a wildcard of one label", "DNS:*.b.example", "x.a.b.example",
            HandshakeFailure::kPeerNameMismatch},
           {"no part of a label", "DNS:ap*.b.example", "app.b.example", HandshakeFailure::kPeerNameMismatch},
           {"another name", "DNS:other.example", "app.example", HandshakeFailure::kPeerNameMismatch},
           {"its address", "IP:192.0.2.1", "192.0.2.1", HandshakeFailure::kNone},
           {"its address of IPv6", "IP:2001:db8::1", "2001:db8::1", HandshakeFailure::kNone},
           {"another address", "IP:192.0.2.2", "192.0.2.1", HandshakeFailure::kPeerNameMismatch},
           {"an address is no name", "DNS:192.0.2.1", "192.0.2.1", HandshakeFailure::kPeerNameMismatch},
           {"no name at all", "", "test", HandshakeFailure::kPeerNameMismatch},
       }) {
    EXPECT_EQ(anew(believing(), server_name, {.own = issue(names)}), failure) << what;
    EXPECT_EQ(greeting_, failure == HandshakeFailure::kNone ? "hello" : "") << what;
  }
}

TEST_F(ClientContextTest, AnAddressIsAskedForByNoName) {
  EXPECT_EQ(anew(believing(), "app.example", {.own = issue("DNS:app.example")}), HandshakeFailure::kNone);
  EXPECT_EQ(server_->server_name(), "app.example");
  EXPECT_EQ(anew(believing(), "192.0.2.1", {.own = issue("IP:192.0.2.1")}), HandshakeFailure::kNone);
  EXPECT_EQ(server_->server_name(), "");
}

TEST_F(ClientContextTest, AnyOfTheSubjectAltNamesDoesAndReplacesTheServerName) {
  struct Case {
    std::string names;
    HandshakeFailure failure;
  };
  const auto policy = believing({"spiffe://mesh/app", "app.internal"});
  for (const auto& [names, failure] : std::vector<Case>{
           {"URI:spiffe://mesh/app", HandshakeFailure::kNone},
           {"DNS:x.example,DNS:app.internal", HandshakeFailure::kNone},
           {"DNS:app.example", HandshakeFailure::kPeerNameMismatch},
           {"URI:spiffe://mesh/app/x", HandshakeFailure::kPeerNameMismatch},
           {"URI:spiffe://mesh/App", HandshakeFailure::kPeerNameMismatch},
           {"", HandshakeFailure::kPeerNameMismatch},
       })
    EXPECT_EQ(anew(policy, "app.example", {.own = issue(names)}), failure) << names;
}

TEST_F(ClientContextTest, WhatIsWrongWithACertificateHasItsName) {
  EXPECT_EQ(anew(believing(), "a", {.own = issue("DNS:a", "a", -3600)}),
            HandshakeFailure::kExpiredPeerCertificate);
  CertificateSpec spec;
  spec.alternative_names = "DNS:a";
  EXPECT_EQ(anew(believing(), "a", {.own = TestAuthority("Other").issue(spec)}),
            HandshakeFailure::kUntrustedPeerCertificate);
  EXPECT_EQ(anew(believing({"a"}), "a", {.own = TestAuthority::self_signed(spec)}),
            HandshakeFailure::kUntrustedPeerCertificate);
  ClientPolicy system;  // no authority of the machine's has issued it
  EXPECT_EQ(anew(system, "a", {.own = issue("DNS:a")}), HandshakeFailure::kUntrustedPeerCertificate);
  ClientPolicy insecure;
  insecure.verifies = false;
  EXPECT_EQ(anew(insecure, "b", {.own = TestAuthority::self_signed(spec)}), HandshakeFailure::kNone);
}

TEST_F(ClientContextTest, SpeaksWithinItsVersions) {
  auto policy = believing();
  const auto own = issue("DNS:a");
  policy.from_tls13 = true;
  EXPECT_EQ(anew(policy, "a", {.own = own}), HandshakeFailure::kNone);
  EXPECT_EQ(session_.version(), "TLSv1.3");
  EXPECT_EQ(anew(policy, "a", {.own = own, .max_version = TLS1_2_VERSION}),
            HandshakeFailure::kNothingInCommon);
  policy = believing();
  policy.up_to_tls12 = true;
  EXPECT_EQ(anew(policy, "a", {.own = own}), HandshakeFailure::kNone);
  EXPECT_EQ(session_.version(), "TLSv1.2");
}

TEST_F(ClientContextTest, AProtocolThatIsNeededMustBeAgreedOn) {
  auto policy = believing();
  policy.protocol = "h2";
  const auto own = issue("DNS:a");
  EXPECT_EQ(anew(policy, "a", {.own = own}), HandshakeFailure::kNone);
  policy.needs_protocol = true;
  EXPECT_EQ(anew(policy, "a", {.own = own}), HandshakeFailure::kNothingInCommon);
  EXPECT_EQ(anew(policy, "a", {.own = own, .alpn = "http/1.1"}), HandshakeFailure::kNothingInCommon)
      << "its alert says so";
  EXPECT_EQ(anew(policy, "a", {.own = own, .alpn = "h2"}), HandshakeFailure::kNone);
  EXPECT_EQ(session_.protocol(), "h2");
}

TEST_F(ClientContextTest, OurCertificateIsShownToWhoAsks) {
  auto policy = believing();
  const auto own = issue("URI:spiffe://mesh/shard", "the shard");
  policy.own = ServerCertificate{"c", own.certificate, own.key};
  const TlsBackendOptions backend{.own = issue("DNS:a"), .client_authority = authority_.certificate()};
  EXPECT_EQ(anew(policy, "a", backend), HandshakeFailure::kNone);
  EXPECT_EQ(server_->peer_name(), "the shard");
}

// With TLS 1.3 our side of the handshake has ended by then.
TEST_F(ClientContextTest, ARefusalOfOurCertificateIsMetByTheFirstRead) {
  const TlsBackendOptions backend{.own = issue("DNS:a"), .client_authority = authority_.certificate()};
  EXPECT_EQ(anew(believing(), "a", backend), HandshakeFailure::kNone);
  EXPECT_EQ(greeting_, "");
  EXPECT_EQ(session_.failure(), HandshakeFailure::kRefusedByPeer);
}

TEST_F(ClientContextTest, ATicketResumes) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsBackendOptions backend{.own = issue("DNS:a"), .max_version = version};
    EXPECT_EQ(anew(believing(), "a", backend), HandshakeFailure::kNone);
    EXPECT_FALSE(session_.resumed());
    const Ticket ticket = session_.take_ticket();
    EXPECT_TRUE(ticket);
    EXPECT_FALSE(session_.take_ticket()) << "it was taken";
    session_.close_notify();
    EXPECT_EQ(handshake(believing(), "a", backend, ticket), HandshakeFailure::kNone);
    EXPECT_TRUE(session_.resumed());
  }
}

TEST_F(ClientContextTest, ATicketOutlivesConnectionsThatAreCut) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsBackendOptions backend{.own = issue("DNS:a"), .max_version = version};
    EXPECT_EQ(anew(believing(), "a", backend), HandshakeFailure::kNone);
    const Ticket ticket = session_.take_ticket();
    for (int cut = 0; cut < 2; ++cut) {  // the one that gave the ticket, then one that it resumed
      EXPECT_EQ(greeting_, "hello");
      EXPECT_EQ(read_greeting(), "") << "the backend ended it without close_notify";
      EXPECT_EQ(session_.failure(), HandshakeFailure::kGone);
      EXPECT_EQ(handshake(believing(), "a", backend, ticket), HandshakeFailure::kNone);
      EXPECT_TRUE(session_.resumed());
    }
  }
}

TEST_F(ClientContextTest, WhatCannotWorkIsASentence) {
  const auto reason = [](const ClientPolicy& policy) {
    const auto made = ClientContext::make(policy);
    return made.ok() ? "" : made.error().message;
  };
  auto policy = believing();
  policy.own = ServerCertificate{"n/c", issue("DNS:a").certificate, ""};
  EXPECT_EQ(reason(policy), "certificate n/c: its private key has not come yet");
  policy.own->key = issue("DNS:a").key;
  EXPECT_THAT(reason(policy), HasSubstr("certificate n/c: "));
  policy.own->key = "none";
  EXPECT_THAT(reason(policy), HasSubstr("certificate n/c: "));
  policy = believing();
  policy.authorities = "none";
  EXPECT_THAT(reason(policy), HasSubstr("its authorities: "));
}

}  // namespace
}  // namespace headgate::tls
