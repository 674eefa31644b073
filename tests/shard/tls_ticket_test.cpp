// SPDX-License-Identifier: Apache-2.0
// When a client of TLS 1.3 is given a ticket. Where it resumes: tls_resumption_test.cpp.
#include <atomic>
#include <memory>
#include <thread>

#include <gmock/gmock.h>

#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;
using testing_support::SslSessionPtr;

std::string ticket_of(const SslSessionPtr& session) {
  const unsigned char* bytes = nullptr;
  std::size_t length_bytes = 0;
  SSL_SESSION_get0_ticket(session.get(), &bytes, &length_bytes);
  return {reinterpret_cast<const char*>(bytes), length_bytes};
}

class TlsTicketTest : public TlsFixture {
 protected:
  // What the client's session is after one exchange that begins with `session`.
  SslSessionPtr session_after(const SslSessionPtr& session, bool resumes) {
    auto client = peer({.server_name = "app.example",
                        .authority = authority_.certificate(),
                        .own = own_,
                        .session = session});
    EXPECT_TRUE(client.handshake()) << client.why_not();
    EXPECT_EQ(client.resumed(), resumes);
    EXPECT_THAT(exchange_or_nothing(client), HasSubstr("HTTP/1.1 4"));
    return client.session();
  }

  IssuedCertificate own_;
};

TEST_F(TlsTicketTest, IsOneAConnection) {
  start_tls({issue("app", "DNS:app.example")});
  auto client = peer();
  ASSERT_TRUE(client.handshake()) << client.why_not();
  EXPECT_THAT(exchange_or_nothing(client), HasSubstr("HTTP/1.1 4"));
  const auto given = ticket_of(client.session());
  EXPECT_NE(given, "");
  EXPECT_THAT(exchange_or_nothing(client), HasSubstr("HTTP/1.1 4"));
  EXPECT_EQ(ticket_of(client.session()), given);
}

// Browsers use one once (RFC 8446 appendix C.4).
TEST_F(TlsTicketTest, AResumedConnectionIsGivenAnother) {
  start_tls({issue("app", "DNS:app.example")});
  auto session = session_after(nullptr, false);
  for (int connection = 0; connection < 4; ++connection) {
    const auto fresh = session_after(session, true);
    EXPECT_NE(ticket_of(fresh), ticket_of(session));
    session = fresh;
  }
}

// Who resumes is not asked for its certificate: with a ticket after each ticket it never would be again,
// after the certificate's end either.
TEST_F(TlsTicketTest, OfAClientWithACertificateItDoesNotRenewItself) {
  contract::TrustBundle bundle;
  bundle.uid = "b1";
  bundle.certificates = authority_.certificate();
  objects_.push_back(bundle);
  tls_.client_auth = contract::ClientAuth::kRequire;
  tls_.client_ca = "b1";
  start_tls({issue("app", "DNS:app.example")});
  own_ = issue("client", "DNS:client.example");
  const auto session = session_after(nullptr, false);
  EXPECT_NE(ticket_of(session), "");
  EXPECT_EQ(ticket_of(session_after(session, true)), ticket_of(session)) << "none was given";
}

TEST_F(TlsTicketTest, HandshakesThatBeginAtOnceAllComeToAnEnd) {
  start_tls({issue("app", "DNS:app.example")});
  std::vector<std::unique_ptr<TlsPeer>> clients;  // many times what begins in a turn
  for (int i = 0; i < 32; ++i)
    clients.push_back(std::make_unique<TlsPeer>(
        connect(), TlsPeerOptions{.server_name = "app.example", .authority = authority_.certificate()}));
  std::atomic<int> ended{0};
  std::vector<std::thread> threads;
  for (auto& client : clients) threads.emplace_back([&] { ended += client->handshake() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ended, 32);
}

}  // namespace
}  // namespace headgate::shard
