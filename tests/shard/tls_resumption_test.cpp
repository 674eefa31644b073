// SPDX-License-Identifier: Apache-2.0
// Which session resumes where: any replica opens the cluster's tickets, but only under the name, listener,
// authorities and policy that the session began with (HTTP.md "TLS").
#include <gmock/gmock.h>

#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;
using testing_support::SslSessionPtr;

class TlsResumptionTest : public TlsFixture, public testing::WithParamInterface<int> {
 protected:
  TlsPeerOptions options(SslSessionPtr session = nullptr, const std::string& server_name = "app.example") {
    return {.server_name = server_name,
            .authority = authority_.certificate(),
            .max_version = GetParam(),
            .session = std::move(session)};
  }
  // A session that can be resumed, once the ticket has come.
  SslSessionPtr session(const std::string& server_name = "app.example") {
    auto client = peer(options(nullptr, server_name));
    EXPECT_TRUE(client.handshake()) << client.why_not();
    EXPECT_THAT(exchange_or_nothing(client), HasSubstr("HTTP/1.1 4"));
    return client.session();
  }
  bool resumes(const SslSessionPtr& session, const std::string& server_name = "app.example") {
    auto client = peer(options(session, server_name));
    EXPECT_TRUE(client.handshake()) << client.why_not();
    EXPECT_THAT(exchange_or_nothing(client), HasSubstr("HTTP/1.1 4"));
    return client.resumed();
  }
  void restart() {  // as another replica would be
    shard_.reset();
    ListeningPeer listening;
    port_ = listening.port();
    listening_ = listening.release();
    tls_.certificates.clear();
    revision_ = 0;
  }
};

TEST_P(TlsResumptionTest, AnotherReplicaOpensTheTicket) {
  const auto app = issue("app", "DNS:app.example");
  start_tls({app});
  const auto begun = session();
  EXPECT_TRUE(resumes(begun));
  EXPECT_TRUE(counts(1, "tls_handshakes_resumed_total"));
  restart();
  start_tls({app});
  EXPECT_TRUE(resumes(begun));
}

TEST_P(TlsResumptionTest, AnotherSecretDoesNot) {
  const auto app = issue("app", "DNS:app.example");
  start_tls({app});
  const auto begun = session();
  settings_.ticket_secret = tls::sha256_hex("another");
  shard_->add({{{settings_.ticket_secret, "another"}}});
  change({settings_});
  EXPECT_FALSE(resumes(begun));
  EXPECT_TRUE(resumes(session()));
}

TEST_P(TlsResumptionTest, WithoutASecretNothingResumes) {
  const auto app = issue("app", "DNS:app.example");
  start_tls({app});
  settings_.ticket_secret.clear();
  change({settings_});
  EXPECT_FALSE(resumes(session()));
}

TEST_P(TlsResumptionTest, NotUnderAnotherName) {
  start_tls({issue("both", "DNS:app.example,DNS:other.example")});
  const auto begun = session("app.example");
  EXPECT_FALSE(resumes(begun, "other.example"));
  EXPECT_FALSE(resumes(begun, ""));
  EXPECT_TRUE(resumes(begun, "app.example"));
}

TEST_P(TlsResumptionTest, NotUnderAnotherListener) {
  start_tls({issue("app", "DNS:app.example")});
  const auto begun = session();
  auto other = tls_listener();
  other.uid = "l2";
  contract::Delta moved = delta({other});
  moved.base = moved.revision - 1;
  moved.removals = {{kAudience, contract::Kind::kListener, "l1"}};
  apply(moved);
  EXPECT_FALSE(resumes(begun));
}

TEST_P(TlsResumptionTest, NotUnderAnotherPolicyNorOtherAuthorities) {
  const TestAuthority one("One");
  contract::TrustBundle bundle;
  bundle.uid = "b1";
  bundle.certificates = one.certificate();
  objects_.push_back(bundle);
  start_tls({issue("app", "DNS:app.example")});
  const auto open = session();
  tls_.client_auth = contract::ClientAuth::kOptional;
  tls_.client_ca = "b1";
  change({tls_listener()});
  EXPECT_FALSE(resumes(open)) << "a client that was never asked for its certificate";
  const auto asked = session();
  EXPECT_TRUE(resumes(asked));
  bundle.certificates = TestAuthority("Two").certificate();
  change({bundle});
  EXPECT_FALSE(resumes(asked)) << "a client that others vouched for";
}

TEST_P(TlsResumptionTest, ARenewedCertificateKeepsSessions) {
  start_tls({issue("old", "DNS:app.example")});
  const auto begun = session();
  const auto renewed = issue("new", "DNS:app.example");
  shard_->add(secrets_of({renewed}));
  change({certificate_object("c0", renewed)});
  EXPECT_TRUE(resumes(begun));
}

class EarlyDataTest : public TlsFixture {};

// RFC 8446 section 8: early data can be played again. A ticket that allows none keeps clients from sending
// any, and a client that sends some in spite of that is not heard.
TEST_F(EarlyDataTest, NoTicketAllowsItAndWhoSendsSomeIsNotHeard) {
  start_tls({issue("app", "DNS:app.example")});
  SslSessionPtr begun;
  {
    auto client = peer();
    ASSERT_TRUE(client.handshake()) << client.why_not();
    EXPECT_THAT(exchange_or_nothing(client), HasSubstr("HTTP/1.1 404"));
    begun = client.session();
  }
  ASSERT_EQ(SSL_SESSION_is_resumable(begun.get()), 1);
  EXPECT_EQ(SSL_SESSION_get_max_early_data(begun.get()), 0u);

  ASSERT_EQ(SSL_SESSION_set_max_early_data(begun.get(), 16'384), 1);
  auto client = peer(
      TlsPeerOptions{.server_name = "app.example", .authority = authority_.certificate(), .session = begun});
  ASSERT_TRUE(client.send_early("GET /early HTTP/1.1\r\nHost: nobody\r\n\r\n")) << client.why_not();
  ASSERT_TRUE(client.handshake()) << client.why_not();
  EXPECT_TRUE(client.resumed());
  EXPECT_FALSE(client.early_accepted());
  EXPECT_THAT(exchange_or_nothing(client), HasSubstr("HTTP/1.1 404"));
  EXPECT_TRUE(counts(2, "requests_total"));
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsResumptionTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace headgate::shard
