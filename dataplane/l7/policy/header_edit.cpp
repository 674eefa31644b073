// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/header_edit.hpp"

#include <algorithm>

namespace headgate::l7::policy {

bool may_edit(std::string_view name) {
  switch (header_id(name)) {
    case HeaderId::kClientCert:
    case HeaderId::kClientCertChain:
    case HeaderId::kConnection:
    case HeaderId::kContentLength:
    case HeaderId::kExpect:
    case HeaderId::kForwarded:
    case HeaderId::kHeadgateContext:
    case HeaderId::kHost:
    case HeaderId::kHttp2Settings:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTe:
    case HeaderId::kTrailer:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
    case HeaderId::kXRequestId:
      return false;
    default:
      return !name.starts_with("x-forwarded-") && name != "x-real-ip";
  }
}

HeaderEdit::HeaderEdit(const contract::HeaderEdit& edit) : set_(compile(edit.set)), add_(compile(edit.add)) {
  std::copy_if(edit.remove.begin(), edit.remove.end(), std::back_inserter(remove_), may_edit);
}

std::vector<HeaderEdit::Field> HeaderEdit::compile(const std::vector<contract::NamedValue>& values) {
  std::vector<Field> fields;
  for (const auto& [name, value] : values)
    if (may_edit(name)) fields.push_back({name, value, header_id(name)});
  return fields;
}

void HeaderEdit::apply(Headers& headers) const {
  for (const auto& field : set_) headers.remove(field.name);
  for (const auto& field : set_) headers.add({field.name, field.value, field.id});
  for (const auto& field : add_) headers.add({field.name, field.value, field.id});
  for (const auto& name : remove_) headers.remove(name);
}

void HeaderEdit::guard_trailers(Headers& trailers) const {
  for (const auto& field : set_) trailers.remove(field.name);
  for (const auto& name : remove_) trailers.remove(name);
}

}  // namespace headgate::l7::policy
