// SPDX-License-Identifier: Apache-2.0
// Api: a request → the operation that answers it, after all that holds for every one: the path is known, the
// sender is who it says and may do this, the body is JSON of the shape that the document asks for. Thread:
// any; the service, the document and the authority, where there is one, outlive it and what it answers.
#pragma once

#include "mgmt/handlers/exchange.hpp"
#include "mgmt/http/message.hpp"
#include "mgmt/openapi/api_document.hpp"
#include "mgmt/service/service.hpp"

namespace headgate::handlers {

class Api {
 public:
  Api(service::Service& service, const openapi::ApiDocument& document,
      const PublicAuthority* authority = nullptr)
      : service_(service), document_(document), authority_(authority) {}

  // Answers through `respond`, now or later, once.
  void handle(http::Request request, http::Responder respond) const;
  // What the server lets in, before anybody has looked at it.
  static std::size_t body_bytes_max(std::string_view method, std::string_view path);

 private:
  service::Service& service_;
  const openapi::ApiDocument& document_;
  const PublicAuthority* authority_;
};

}  // namespace headgate::handlers
