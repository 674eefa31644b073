// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/parse_access_log.hpp"

#include <algorithm>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/logged_headers.hpp"
#include "mgmt/compile/field_rules.hpp"

namespace headgate::compile {
namespace {

constexpr Bounds kFileBytes{64u << 10, uint64_t{1} << 40};

// False: it is there already.
template <typename T>
bool insert(std::vector<T>& sorted, T value) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), value);
  if (place != sorted.end() && *place == value) return false;
  sorted.insert(place, std::move(value));
  return true;
}

// None at all would be a line that says nothing, and most likely a list that a program failed to fill.
void read_fields(Fields& log, std::vector<contract::LogField>& into) {
  bool any = false;
  log.each_string("fields", [&](const std::string& text, const std::string& pointer) {
    any = true;
    const auto field = contract::parse_enum<contract::LogField>(text);
    if (!field)
      log.faults().add(pointer, "invalid_value", one_of(contract::EnumNames<contract::LogField>::kNames));
    else if (!insert(into, *field))
      log.faults().add(pointer, "duplicate", text + " is chosen twice");
  });
  if (log.has("fields") && !any)
    log.fault("fields", "invalid_value", "must name a field; without the list a line has all but pool");
}

void read_headers(Fields& log, std::string_view member, std::vector<std::string>& into) {
  log.each_string(member, [&](const std::string& text, const std::string& pointer) {
    const auto name = ascii::lowered(text);
    if (!is_token(name))
      log.faults().add(pointer, "invalid_value", "must be a header's name");
    else if (const auto reason = l7::why_not_logged(name); !reason.empty())
      log.faults().add(pointer, "not_allowed", name + " " + std::string(reason));
    else if (!insert(into, name))
      log.faults().add(pointer, "duplicate", name + " is chosen twice");
  });
  if (into.size() > limits::kAccessLogHeadersMax)
    log.fault(member, "out_of_range", "has more than " + std::to_string(limits::kAccessLogHeadersMax));
}

}  // namespace

void read_access_log(Fields& fields, contract::ShardSettings& settings) {
  fields.object("access_log", [&](Fields& log) {
    log.read_enum("to", settings.access_log);
    log.read_size("file_bytes_max", kFileBytes, settings.access_log_file_bytes_max);
    log.read_integer("files", {1, 100}, settings.access_log_files);
    read_fields(log, settings.access_log_fields);
    read_headers(log, "request_headers", settings.access_log_request_headers);
    read_headers(log, "response_headers", settings.access_log_response_headers);
  });
}

}  // namespace headgate::compile
