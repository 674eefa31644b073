// SPDX-License-Identifier: Apache-2.0
// Hostnames and wildcards ("*.example.com" covers one or more labels, never example.com itself) as listeners,
// routes and namespaces write them: lower case, no trailing dot. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headgate::compile {

// A DNS name of letters, digits and hyphens, in lower case; nothing where it is none, or an IP address.
std::optional<std::string> parse_dns_name(std::string_view text);
// The same, or "*." and one.
std::optional<std::string> parse_hostname(std::string_view text);

// Whether every host that `inner` stands for is one of `outer`. Empty stands for every host.
bool covers(std::string_view outer, std::string_view inner);
// Whether some host is one of both.
bool intersects(std::string_view a, std::string_view b);

}  // namespace headgate::compile
