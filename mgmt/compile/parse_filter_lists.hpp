// SPDX-License-Identifier: Apache-2.0
// The filters that are made of lists: headers, origins, addresses. Private to the parse_*.cpp files. Pure;
// any thread.
#pragma once

#include "mgmt/compile/fields.hpp"

namespace headgate::compile {

contract::NamedValue read_named_value(Fields& field);
contract::HeaderEdit read_header_edit(Fields& filter);
contract::Cors read_cors(Fields& filter);
contract::IpAccess read_ip_access(Fields& filter);
contract::Compression read_compression(Fields& filter);

}  // namespace headgate::compile
