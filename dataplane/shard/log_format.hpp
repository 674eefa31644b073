// SPDX-License-Identifier: Apache-2.0
// LogFormat: what the lines of a shard's access log have, as its settings choose it, and how a record becomes
// such a line: one JSON object with the fields in LogField's order, then the headers. Without a choice it has
// all fields but those that came later than the first release (kIfChosen in log_format.cpp): who parses the
// lines gets what he always got. Made once for each settings; const, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/contract/objects.hpp"
#include "dataplane/l7/logged_headers.hpp"
#include "dataplane/shard/access_record.hpp"

namespace headgate::shard {

class LogFormat {
 public:
  LogFormat() : LogFormat(contract::ShardSettings{}) {}
  explicit LogFormat(const contract::ShardSettings& settings);

  // Whether a request's line may have it.
  bool has(contract::LogField field) const { return (of_request_ >> static_cast<unsigned>(field) & 1) != 0; }
  const l7::LoggedHeaders& request_headers() const { return request_headers_; }
  const l7::LoggedHeaders& response_headers() const { return response_headers_; }

  void append_line(const AccessRecord& record, std::string& lines) const;  // with its newline

 private:
  // A bit each LogField.
  uint32_t of_request_;
  uint32_t of_passthrough_;
  l7::LoggedHeaders request_headers_;
  l7::LoggedHeaders response_headers_;
};

}  // namespace headgate::shard
