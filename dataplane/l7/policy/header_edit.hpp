// SPDX-License-Identifier: Apache-2.0
// HeaderEdit: fields that a filter sets, adds and removes, in the form that costs a request least. What says
// where a message ends, what concerns one connection alone, and what tells the backend who the client is are
// no filter's business: may_edit() refuses them, at the API and again here. Const once built; any thread. The
// message's views then point into it, so it outlives the exchange (RoutePlan's pin sees to that).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/filters.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7::policy {

// Whether a filter may touch the field of that name, in lower case. Host is rewrite's.
bool may_edit(std::string_view name);

class HeaderEdit {
 public:
  HeaderEdit() = default;
  explicit HeaderEdit(const contract::HeaderEdit& edit);
  HeaderEdit(const HeaderEdit&) = delete;
  HeaderEdit& operator=(const HeaderEdit&) = delete;

  void apply(Headers& headers) const;
  // What it sets or removes does not come back behind the body: many a server merges both sections.
  void guard_trailers(Headers& trailers) const;

 private:
  struct Field {
    std::string name;
    std::string value;
    HeaderId id = HeaderId::kOther;
  };
  static std::vector<Field> compile(const std::vector<contract::NamedValue>& values);

  std::vector<Field> set_;
  std::vector<Field> add_;
  std::vector<std::string> remove_;
};

}  // namespace headgate::l7::policy
