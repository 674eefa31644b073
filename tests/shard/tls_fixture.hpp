// SPDX-License-Identifier: Apache-2.0
// TlsFixture: a ShardFixture whose listener speaks TLS, with certificates that the test makes. A test may
// change tls_ and what it names before start_tls().
#pragma once

#include "dataplane/tls/digest.hpp"
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/tls_peer.hpp"

namespace headgate::shard {

using testing_support::CertificateSpec;
using testing_support::IssuedCertificate;
using testing_support::TestAuthority;
using testing_support::TlsPeer;
using testing_support::TlsPeerOptions;

class TlsFixture : public ShardFixture {
 protected:
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

  IssuedCertificate issue(const std::string& name, const std::string& alternative_names,
                          CertificateSpec::Key key = CertificateSpec::Key::kP256) {
    CertificateSpec spec;
    spec.common_name = name;
    spec.alternative_names = alternative_names;
    spec.key = key;
    return authority_.issue(spec);
  }

  static contract::Certificate certificate_object(const std::string& uid, const IssuedCertificate& issued) {
    contract::Certificate made;
    made.uid = uid;
    made.name = "default/" + uid;
    made.chain = issued.certificate;
    made.key_digest = tls::sha256_hex(issued.key);
    return made;
  }
  static contract::Secrets secrets_of(const std::vector<IssuedCertificate>& all) {
    contract::Secrets secrets;
    for (const auto& issued : all) secrets.secrets.push_back({tls::sha256_hex(issued.key), issued.key});
    return secrets;
  }

  contract::Listener tls_listener() const {
    auto listener = web_listener();
    listener.protocol = contract::Protocol::kHttps;
    listener.tls = tls_;
    return listener;
  }

  // Certificates c0, c1, … in this order; their keys come first, but for `without_key`.
  void start_tls(const std::vector<IssuedCertificate>& certificates, std::size_t without_key = SIZE_MAX) {
    std::vector<contract::Object> objects = objects_;
    for (std::size_t i = 0; i < certificates.size(); ++i) {
      const std::string uid = "c" + std::to_string(i);
      tls_.certificates.push_back(uid);
      objects.push_back(certificate_object(uid, certificates[i]));
    }
    std::vector<IssuedCertificate> known = certificates;
    if (without_key < known.size()) known.erase(known.begin() + static_cast<std::ptrdiff_t>(without_key));
    secrets_ = secrets_of(known);
    settings_.ticket_secret = tls::sha256_hex(kTicketSecret);
    secrets_.secrets.push_back({settings_.ticket_secret, kTicketSecret});
    objects.insert(objects.end(), {settings_, tls_listener(), route(), pool({backend_.port()})});
    start_with(objects);
  }

  void start_with(std::vector<contract::Object> objects) {
    auto started = ShardProcess::start({.name = "edge/0",
                                        .threads = 1,
                                        .access_log_path = log_path_,
                                        .clients_max = clients_max_,
                                        .hop = hop_});
    ASSERT_TRUE(started.ok());
    shard_ = std::move(*started);
    shard_->add(secrets_);
    apply(delta(std::move(objects)));
    const auto at = Endpoint{*IpAddress::parse("127.0.0.1"), port_};
    std::vector<UniqueFd> fds;
    fds.push_back(std::move(listening_));
    ASSERT_TRUE(shard_->set_sockets({{contract::Socket{at, at, 0}}}, std::move(fds)).ok());
  }

  // A change of these objects alone.
  void change(std::vector<contract::Object> objects) {
    auto made = delta(std::move(objects));
    made.base = made.revision - 1;
    apply(made);
  }

  TlsPeer peer(const std::string& server_name = "app.example") {
    return peer(TlsPeerOptions{.server_name = server_name, .authority = authority_.certificate()});
  }
  TlsPeer peer(const TlsPeerOptions& options) { return {connect(), options}; }

  // One exchange over a connection whose handshake is done.
  std::string exchange(TlsPeer& client, const std::string& host = "app.example") {
    client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    auto backend = backend_.accept();
    request_head_ = backend.read_head();
    backend.send(kOk);
    return client.read_until("ok");
  }

  // The same, where the client may have been refused meanwhile; empty then.
  std::string exchange_or_nothing(TlsPeer& client) {
    client.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
    return client.read_until("no_rule\n");
  }

  std::string tls_problems() const {
    for (const auto& notice : shard_->notices())
      if (notice.code == "tls_certificates") return notice.text;
    return {};
  }

  static constexpr const char* kTicketSecret = "c2VjcmV0IG9mIHRoZSBjbHVzdGVy";
  TestAuthority authority_;
  contract::ListenerTls tls_;
  contract::Secrets secrets_;
  std::vector<contract::Object> objects_;  // beside what start_tls() makes
  std::string request_head_;
};

}  // namespace headgate::shard
