// SPDX-License-Identifier: Apache-2.0
// bench-uses: tls OpenSSL::SSL OpenSSL::Crypto
// What the server's half of a full TLS 1.3 handshake costs (ECDSA P-256, X25519): by OpenSSL alone, in
// memory, which is the least that there can be; and by a Session on a socket pair. The client's half is not
// counted.
#include <array>
#include <ctime>
#include <memory>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/tls/door.hpp"
#include "dataplane/tls/handles.hpp"
#include "dataplane/tls/pem.hpp"
#include "dataplane/tls/session.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::tls {
namespace {

using testing_support::CertificateSpec;
using testing_support::IssuedCertificate;
using testing_support::TestAuthority;

IssuedCertificate certificate() {
  CertificateSpec spec;
  spec.alternative_names = "DNS:bench";
  return TestAuthority::self_signed(spec);
}

double thread_seconds() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

SslContextPtr client_context() {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

void OpenSslAlone(benchmark::State& state) {
  const auto issued = certificate();
  const SslContextPtr servers(SSL_CTX_new(TLS_server_method()));
  const auto chain = read_certificates(issued.certificate, {1 << 20, 10});
  const auto key = read_private_key(issued.key);
  HG_ASSERT(SSL_CTX_use_cert_and_key(servers.get(), chain->front().get(), key->get(), nullptr, 1) == 1);
  SSL_CTX_set_session_cache_mode(servers.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(servers.get(), 1);
  const auto clients = client_context();
  for (auto _ : state) {
    const SslPtr client(SSL_new(clients.get()));
    BIO* to_server = nullptr;
    BIO* to_client = nullptr;
    HG_ASSERT(BIO_new_bio_pair(&to_server, 1 << 16, &to_client, 1 << 16) == 1);
    SSL_set_bio(client.get(), to_server, to_server);
    SSL_set_connect_state(client.get());
    double seconds = 0;
    auto begin = thread_seconds();
    SslPtr server(SSL_new(servers.get()));
    SSL_set_bio(server.get(), to_client, to_client);
    SSL_set_accept_state(server.get());
    seconds += thread_seconds() - begin;
    for (int done = 0; done != 1;) {
      SSL_do_handshake(client.get());
      begin = thread_seconds();
      done = SSL_do_handshake(server.get());
      seconds += thread_seconds() - begin;
    }
    begin = thread_seconds();
    server.reset();
    state.SetIterationTime(seconds + thread_seconds() - begin);
  }
}
BENCHMARK(OpenSslAlone)->UseManualTime()->Unit(benchmark::kMicrosecond);

void OfASession(benchmark::State& state) {
  const auto issued = certificate();
  ServerPolicy policy;
  policy.listener = "l";
  policy.alpn = {"h2", "http/1.1"};
  policy.tickets = std::make_shared<const TicketKeys>("0123456789abcdef0123456789abcdef", 0);
  const std::vector<ServerCertificate> certificates{{"bench", issued.certificate, issued.key}};
  const auto door = std::make_shared<const Door>(
      std::vector<Door::Listener>{{"", ServerContext::make(policy, certificates, nullptr).context}});
  const auto clients = client_context();
  for (auto _ : state) {
    std::array<int, 2> ends;
    HG_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
    const UniqueFd client_end(ends[0]), server_end(ends[1]);
    const SslPtr client(SSL_new(clients.get()));
    SSL_set_fd(client.get(), client_end.get());
    SSL_set_connect_state(client.get());
    double seconds = 0;
    auto begin = thread_seconds();
    auto server = Session::accept(door, server_end.get());
    seconds += thread_seconds() - begin;
    for (auto status = Session::Status::kWantsRead; status != Session::Status::kOk;) {
      SSL_do_handshake(client.get());
      begin = thread_seconds();
      server.note_socket(true, true, false);
      status = server.handshake().status;
      seconds += thread_seconds() - begin;
      HG_ASSERT(status != Session::Status::kFailed);
    }
    begin = thread_seconds();
    server = {};
    state.SetIterationTime(seconds + thread_seconds() - begin);
  }
}
BENCHMARK(OfASession)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace headgate::tls
