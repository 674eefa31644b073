// SPDX-License-Identifier: Apache-2.0
// PlanName: whose a plan is, as logs and answers say it: the names of namespace, route and rule in one text,
// since there is one of them a rule. A value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::l7 {

class PlanName {
 public:
  PlanName() = default;
  PlanName(std::string_view namespace_name, std::string_view route, std::string_view rule)
      : text_(namespace_name),
        namespace_bytes_(static_cast<uint32_t>(namespace_name.size())),
        route_bytes_(static_cast<uint32_t>(route.size())) {
    text_.append("/").append(route).append("/").append(rule).shrink_to_fit();
  }

  std::string_view namespace_name() const { return text().substr(0, namespace_bytes_); }
  std::string_view route() const { return route_in_full().substr(namespace_bytes_ + 1); }
  std::string_view route_in_full() const { return text().substr(0, namespace_bytes_ + 1 + route_bytes_); }
  std::string_view rule() const { return text().substr(namespace_bytes_ + 1 + route_bytes_ + 1); }

  friend bool operator==(const PlanName&, const PlanName&) = default;

 private:
  std::string_view text() const { return text_; }

  std::string text_ = "//";  // "namespace/route/rule"
  uint32_t namespace_bytes_ = 0;
  uint32_t route_bytes_ = 0;
};

}  // namespace headgate::l7
