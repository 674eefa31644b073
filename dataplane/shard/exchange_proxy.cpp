// SPDX-License-Identifier: Apache-2.0
// Exchange: the header of the PROXY protocol that its connection to the backend begins with.
#include "dataplane/shard/proxy_header_writer.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

ProxyTls tls_of(const tls::Session& session) {
  ProxyTls tls{.version = session.version(), .cipher = session.cipher(), .common_name = {}};
  if (const auto* peer = session.peer()) {
    tls.certificate_here = !session.resumed();
    tls.certificate_session = tls.verified = true;  // one that is not believed ends the handshake
    tls.common_name = peer->common_name;
  }
  return tls;
}

// Of a client that is the other end of this connection, or that a trusted proxy has told of at its beginning.
void add_tls(const ClientConnection& connection, ProxyHeader& header) {
  if (const auto* proxied = connection.proxied()) {
    header.alpn = proxied->alpn;
    header.authority = proxied->authority;
    header.tls = proxied->tls;
  }
  if (!connection.stream().has_tls()) return;
  const auto& session = connection.stream().tls();
  header.alpn = session.protocol();
  header.authority = session.server_name();
  header.tls = tls_of(session);
}

}  // namespace

// A port belongs to the address of the socket's other end, not to one that a proxy tells of.
uint16_t Exchange::client_port() const {
  const ClientConnection& connection = client_->connection();
  if (connection.is_hop()) return context_.client_port;
  return facts_.client == connection.peer() ? connection.peer_port() : uint16_t{0};
}

ProxyHeader Exchange::header_of_client() const {
  const ClientConnection& connection = client_->connection();
  ProxyHeader header;
  header.local = false;
  header.source = {facts_.client, client_port()};
  header.destination = reached_;
  // Over the hop a connection brings requests of many, but for a tunnel.
  const bool of_connection = passes_tls() || !connection.is_hop();
  if (of_connection && facts_.client == connection.peer()) add_tls(connection, header);
  if (passes_tls()) header.authority = *server_name_;
  // By whom a client was reached that others tell of is known, and no more of its TLS.
  if (facts_.scheme == "https" && !header.tls) header.tls.emplace();
  return header;
}

std::string_view Exchange::proxy_header(contract::ProxyVersion version) {
  return write_proxy_header(header_of_client(), version, arena_);
}

// A tunnel to the second tier begins with it. No client is unknown there for the family of its address.
std::string_view Exchange::hop_header(const l7::RoutedListener& listener) {
  auto header = header_of_client();
  header.hop_listener = listener.uid;
  if (header.source.address.is_v6() != header.destination.address.is_v6())
    for (auto* const end : {&header.source, &header.destination})
      end->address = l7::with_mapping(end->address);
  return write_proxy_header(header, contract::ProxyVersion::kV2, arena_);
}

}  // namespace headgate::shard
