// SPDX-License-Identifier: Apache-2.0
// fuzz-uses: tls
// Any bytes in place of a client's side of a handshake: a ClientHello with its server name first of all. The
// session ends in a failure that has a name, or waits for more; it never gives a byte to read.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/socket.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/tls/session.hpp"
#include "tests/support/test_certificates.hpp"

namespace {

using namespace headgate;

std::shared_ptr<const tls::Door> make_door() {
  testing_support::CertificateSpec spec;
  spec.alternative_names = "DNS:a.example,DNS:*.b.example";
  const auto issued = testing_support::TestAuthority::self_signed(spec);
  tls::ServerPolicy policy;
  policy.listener = "l1";
  policy.alpn = {"http/1.1"};
  policy.tickets = std::make_shared<const tls::TicketKeys>("secret", 0);
  const std::vector<tls::ServerCertificate> certificates{{"c", issued.certificate, issued.key},
                                                         {"without", issued.certificate, ""}};
  return std::make_shared<const tls::Door>(std::vector<tls::Door::Listener>{
      {"*.b.example", tls::ServerContext::make(policy, certificates, nullptr).context}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const auto door = make_door();
  std::array<int, 2> ends{};
  HG_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  auto session = tls::Session::accept(door, ours.get());
  HG_ASSERT(session);
  const ssize_t sent = ::send(theirs.get(), data, size, 0);
  const bool cut = sent >= 0 && size > 0 && data[0] % 2 == 0;  // the connection's end follows
  if (cut) theirs.reset();
  session.note_socket(true, true, cut);
  tls::Session::Result result;
  for (int turns = 0; turns < 4; ++turns) result = session.handshake();
  HG_ASSERT(result.status != tls::Session::Status::kOk);
  if (result.status == tls::Session::Status::kFailed)
    HG_ASSERT(session.failure() != tls::HandshakeFailure::kNone && !name_of(session.failure()).empty());
  std::array<char, 64> room{};
  HG_ASSERT(session.read(room).status != tls::Session::Status::kOk);
  session.close_notify();
  return 0;
}
