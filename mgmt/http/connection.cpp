// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/connection.hpp"

namespace headgate::http {

void Connection::restart(TimePoint now) {
  since = now;
  parser.reset();
  received_bytes = 0;
  continue_sent = false;
  departure.reset();
  form = {};
}

bool Connection::is_overdue(TimePoint now) const {
  const auto age = now - since;
  switch (state) {
    case State::kAnswering:
      return false;  // the handler's own deadlines hold
    case State::kClosing:
      return age > (lingering ? limits::kApiLingerTimeout : limits::kApiRequestTimeout);
    case State::kReading:
      return age > (received_bytes == 0 ? limits::kApiIdleTimeout : limits::kApiRequestTimeout);
  }
  return true;
}

}  // namespace headgate::http
