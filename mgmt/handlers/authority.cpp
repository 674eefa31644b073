// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/authority.hpp"

namespace headgate::handlers {

void get_authority(const ExchangePtr& exchange) {
  if (exchange->authority == nullptr)
    return exchange->problem(
        {404,
         "There is no port for other machines, so no authority vouches for it: headgated has no --front.",
         {},
         {}});
  exchange->respond({200, {}, "application/x-pem-file", exchange->authority->certificate});
}

}  // namespace headgate::handlers
