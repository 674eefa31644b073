// SPDX-License-Identifier: Apache-2.0
// TlsPeer: the other side of a TLS connection, played by a test with OpenSSL itself over a blocking socket
// with a deadline. Thread: the test's. Link OpenSSL::SSL.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include "tests/support/socket_peer.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::testing_support {

using SslSessionPtr = std::shared_ptr<SSL_SESSION>;

struct TlsPeerOptions {
  std::string server_name{};  // empty: none is sent
  std::string authority{};    // PEM; empty: whatever is shown is believed
  IssuedCertificate own{};    // empty: none is shown
  std::string alpn{};         // "\x08http/1.1"
  int max_version = TLS1_3_VERSION;
  std::string ciphers{};    // of TLS 1.2
  SslSessionPtr session{};  // to be resumed
};

struct TlsBackendOptions {
  IssuedCertificate own{};
  std::string client_authority{};  // PEM; empty: no client certificate is asked for
  std::string alpn{};              // "h2": the one that is spoken; empty: it knows nothing of ALPN
  int max_version = TLS1_3_VERSION;
};

class TlsPeer {
 public:
  // The server's side.
  TlsPeer(SocketPeer socket, const TlsBackendOptions& options)
      : socket_(std::move(socket)), alpn_(options.alpn) {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    set_up({.authority = options.client_authority, .own = options.own, .max_version = options.max_version});
    if (!options.client_authority.empty())
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // Tickets of one peer are opened by the next.
    unsigned char ticket_keys[80] = {1};
    SSL_CTX_set_tlsext_ticket_keys(context_.get(), ticket_keys, sizeof ticket_keys);
    SSL_CTX_set_session_id_context(context_.get(), ticket_keys, 1);
    if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context_.get(), choose_protocol, &alpn_);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_accept_state(ssl_.get());
    use_socket();
  }
  TlsPeer(SocketPeer socket, const TlsPeerOptions& options) : socket_(std::move(socket)) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    set_up(options);
    ssl_.reset(SSL_new(context_.get()));
    if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
    if (options.session) SSL_set_session(ssl_.get(), options.session.get());
    SSL_set_connect_state(ssl_.get());
    use_socket();
  }

  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;
  // OpenSSL forgets a session whose connection was not ended; a test may still want to resume it.
  ~TlsPeer() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

  // False: why_not() says the reason.
  bool handshake() {
    ERR_clear_error();
    if (SSL_do_handshake(ssl_.get()) == 1) return true;
    note_failure();
    return false;
  }
  // Each byte of it in a segment of its own.
  bool handshake_slowly() {
    socket_.send_at_once();
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    for (;;) {
      const int returned = SSL_do_handshake(ssl_.get());
      const int why = SSL_get_error(ssl_.get(), returned);
      char byte = 0;
      while (BIO_read(SSL_get_wbio(ssl_.get()), &byte, 1) == 1)
        if (!socket_.send({&byte, 1})) return note_failure(), false;
      if (returned == 1) break;
      if (why != SSL_ERROR_WANT_READ) return note_failure(), false;
      const std::string got = socket_.read_exactly(1);
      if (got.empty()) return note_failure(), false;
      BIO_write(SSL_get_rbio(ssl_.get()), got.data(), 1);
    }
    use_socket();
    return true;
  }
  const std::string& why_not() const { return failure_; }

  std::string peer_name() const {  // CN of the certificate that it showed
    const std::unique_ptr<X509, FreeX509> certificate(SSL_get1_peer_certificate(ssl_.get()));
    if (!certificate) return {};
    char name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
    return name;
  }
  int peer_key_type() const {
    const std::unique_ptr<X509, FreeX509> certificate(SSL_get1_peer_certificate(ssl_.get()));
    return certificate ? EVP_PKEY_get_base_id(X509_get0_pubkey(certificate.get())) : 0;
  }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string alpn() const {
    const unsigned char* name = nullptr;
    unsigned int length_bytes = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &length_bytes);
    return {reinterpret_cast<const char*>(name), length_bytes};
  }
  std::string server_name() const {  // that the client asked for
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
  }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // Of TLS 1.3 only after something was read.
  SslSessionPtr session() const { return {SSL_get1_session(ssl_.get()), SSL_SESSION_free}; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t sent = 0;
      if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent) != 1) return note_failure(), false;
      bytes.remove_prefix(sent);
    }
    return true;
  }
  // Before the handshake, whether or not the other side will hear it (RFC 8446 section 2.3).
  bool send_early(std::string_view bytes) {
    std::size_t sent = 0;
    if (SSL_write_early_data(ssl_.get(), bytes.data(), bytes.size(), &sent) == 1) return sent == bytes.size();
    return note_failure(), false;
  }
  bool early_accepted() const { return SSL_get_early_data_status(ssl_.get()) == SSL_EARLY_DATA_ACCEPTED; }

  std::string read_until(std::string_view end) {
    while (inbox_.find(end) == std::string::npos && read_more()) {
    }
    const auto found = inbox_.find(end);
    return take(found == std::string::npos ? inbox_.size() : found + end.size());
  }
  std::string read_head() { return read_until("\r\n\r\n"); }
  std::string read_exactly(std::size_t bytes) {
    while (inbox_.size() < bytes && read_more()) {
    }
    return take(std::min(bytes, inbox_.size()));
  }
  std::string read_all() {
    while (read_more()) {
    }
    return take(inbox_.size());
  }
  // The other side has said by TLS that nothing follows, and nothing was unread.
  bool at_end() { return inbox_.empty() && !read_more() && ended_; }
  bool ended() const { return ended_; }
  void close_notify() { SSL_shutdown(ssl_.get()); }
  SocketPeer& socket() { return socket_; }

 private:
  struct FreeX509 {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  template <typename T>
  using Owned = std::unique_ptr<T, Free>;

  static int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                             const unsigned char* offered, unsigned int offered_bytes, void* spoken) {
    const auto& ours = *static_cast<const std::string*>(spoken);
    for (unsigned int at = 0; at < offered_bytes; at += 1u + offered[at]) {
      const std::string_view protocol(reinterpret_cast<const char*>(offered) + at + 1, offered[at]);
      if (protocol != ours) continue;
      *chosen = offered + at + 1;
      *chosen_bytes = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2
  }

  static Owned<BIO> over(const std::string& text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  }
  static Owned<X509> certificate_of(const std::string& pem) {
    return Owned<X509>(PEM_read_bio_X509(over(pem).get(), nullptr, nullptr, nullptr));
  }

  void set_up(const TlsPeerOptions& options) {
    SSL_CTX* const context = context_.get();
    SSL_CTX_set_max_proto_version(context, options.max_version);
    if (!options.ciphers.empty()) HG_ASSERT(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) == 1);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
    if (!options.authority.empty()) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate_of(options.authority).get());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    if (!options.own.certificate.empty()) {
      const Owned<EVP_PKEY> key(
          PEM_read_bio_PrivateKey(over(options.own.key).get(), nullptr, nullptr, nullptr));
      HG_ASSERT(SSL_CTX_use_certificate(context, certificate_of(options.own.certificate).get()) == 1);
      HG_ASSERT(SSL_CTX_use_PrivateKey(context, key.get()) == 1);
    }
    if (!options.alpn.empty())
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                              static_cast<unsigned int>(options.alpn.size()));
  }
  void use_socket() {
    const timeval deadline{kDeadlineMs / 1000, 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    BIO* const bio = BIO_new(socket_method());
    BIO_set_fd(bio, socket_.fd(), BIO_NOCLOSE);
    SSL_set_bio(ssl_.get(), bio, bio);
  }
  // OpenSSL's own, but for a write to a connection that is gone: that fails, and raises no SIGPIPE.
  static const BIO_METHOD* socket_method() {
    static BIO_METHOD* const method = [] {
      const BIO_METHOD* const theirs = BIO_s_socket();
      BIO_METHOD* const made = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
      BIO_meth_set_create(made, BIO_meth_get_create(theirs));
      BIO_meth_set_destroy(made, BIO_meth_get_destroy(theirs));
      BIO_meth_set_ctrl(made, BIO_meth_get_ctrl(theirs));
      BIO_meth_set_read(made, BIO_meth_get_read(theirs));
      BIO_meth_set_write(made, write_to_socket);
      return made;
    }();
    return method;
  }
  static int write_to_socket(BIO* bio, const char* bytes, int length_bytes) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(static_cast<int>(BIO_get_fd(bio, nullptr)), bytes,
                             static_cast<std::size_t>(length_bytes), MSG_NOSIGNAL);
    if (sent < 0 && BIO_sock_should_retry(-1)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }
  void note_failure() {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    failure_ = reason ? reason : "the connection ended";
    ERR_clear_error();
  }
  bool read_more() {
    char bytes[65536];
    std::size_t got = 0;
    const int returned = SSL_read_ex(ssl_.get(), bytes, sizeof bytes, &got);
    if (returned == 1) {
      inbox_.append(bytes, got);
      return true;
    }
    ended_ = SSL_get_error(ssl_.get(), returned) == SSL_ERROR_ZERO_RETURN;
    if (!ended_) note_failure();
    return false;
  }
  std::string take(std::size_t bytes) {
    std::string taken = inbox_.substr(0, bytes);
    inbox_.erase(0, bytes);
    return taken;
  }

  SocketPeer socket_;
  std::string alpn_;
  Owned<SSL_CTX> context_;
  Owned<SSL> ssl_;
  std::string inbox_;
  std::string failure_;
  bool ended_ = false;
};

}  // namespace headgate::testing_support
