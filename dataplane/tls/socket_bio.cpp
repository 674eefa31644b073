// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/socket_bio.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace headgate::tls {
namespace {

Socket& socket_behind(BIO* bio) { return *static_cast<Socket*>(BIO_get_data(bio)); }

int read_socket(BIO* bio, char* room, std::size_t room_bytes, std::size_t* got_bytes) {
  Socket& socket = socket_behind(bio);
  BIO_clear_retry_flags(bio);
  *got_bytes = 0;
  if (!socket.readable) {
    BIO_set_retry_read(bio);
    return 0;
  }
  ssize_t got = 0;
  do {
    got = ::recv(socket.fd, room, room_bytes, 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    if (static_cast<std::size_t>(got) < room_bytes && !socket.ending) socket.readable = false;
    *got_bytes = static_cast<std::size_t>(got);
    return 1;
  }
  if (got == 0) {
    socket.ended = true;
    return 0;
  }
  if (errno != EAGAIN) {
    socket.broken = true;
    return 0;
  }
  socket.readable = false;
  BIO_set_retry_read(bio);
  return 0;
}

int write_socket(BIO* bio, const char* bytes, std::size_t length_bytes, std::size_t* sent_bytes) {
  Socket& socket = socket_behind(bio);
  BIO_clear_retry_flags(bio);
  *sent_bytes = 0;
  if (!socket.writable) {
    BIO_set_retry_write(bio);
    return 0;
  }
  const int flags = MSG_NOSIGNAL | (socket.more ? MSG_MORE : 0);
  ssize_t sent = 0;
  do {
    sent = ::send(socket.fd, bytes, length_bytes, flags);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    *sent_bytes = static_cast<std::size_t>(sent);
    return 1;
  }
  if (errno != EAGAIN) {
    socket.broken = true;
    return 0;
  }
  socket.writable = false;
  BIO_set_retry_write(bio);
  return 0;
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return socket_behind(bio).ended ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* make_method() {
  BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "headgate socket");
  BIO_meth_set_read_ex(method, read_socket);
  BIO_meth_set_write_ex(method, write_socket);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

bool attach_socket(SSL* ssl, Socket& socket) {
  static const BIO_METHOD* const method = make_method();  // a table of functions; never freed
  BIO* const bio = BIO_new(method);
  if (!bio) return false;
  BIO_set_data(bio, &socket);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return true;
}

Socket& socket_of(SSL* ssl) { return socket_behind(SSL_get_rbio(ssl)); }

}  // namespace headgate::tls
