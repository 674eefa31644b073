// SPDX-License-Identifier: Apache-2.0
// Departure: of the client whose request is being answered, if it goes before. For what is done for that
// client alone and takes long. Threads: any; the action runs where happen() or when_gone() is called.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace headgate::http {

class Departure {
 public:
  // One action, at once where the client has gone already.
  void when_gone(std::function<void()> action) {
    {
      const std::lock_guard lock(mutex_);
      if (!has_happened_) {
        action_ = std::move(action);
        return;
      }
    }
    action();
  }
  void happen() {
    std::function<void()> action;
    {
      const std::lock_guard lock(mutex_);
      has_happened_ = true;
      action.swap(action_);
    }
    if (action) action();
  }

 private:
  std::mutex mutex_;
  bool has_happened_ = false;
  std::function<void()> action_;
};

}  // namespace headgate::http
