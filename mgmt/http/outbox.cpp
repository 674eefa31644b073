// SPDX-License-Identifier: Apache-2.0
#include <sys/eventfd.h>

#include "dataplane/core/assert.hpp"
#include "mgmt/http/connection.hpp"

namespace headgate::http {

Outbox::Outbox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { HG_ASSERT(wake_); }

void Outbox::put(Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
  }
  ::eventfd_write(wake_.get(), 1);
}

std::vector<Outbox::Answer> Outbox::take() {
  eventfd_t count = 0;
  ::eventfd_read(wake_.get(), &count);
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

}  // namespace headgate::http
