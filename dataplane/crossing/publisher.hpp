// SPDX-License-Identifier: Apache-2.0
// Publisher<Table>: hands immutable tables from one control thread to N worker threads. A reader holds the
// reference that refresh() returned only until its next refresh() or offline(); an old table is freed once
// every reader has passed it. No lock, no reference count on the reader's path. Threads: publish() and
// reclaim() the control thread; each Reader exactly one worker. The Publisher outlives its Readers.
// Quiescent-state reclamation as in McKenney, "RCU", QSBR flavour.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/core/assert.hpp"

namespace headgate::crossing {

template <typename Table>
class Publisher {
  struct Versioned {
    uint64_t version;
    std::unique_ptr<const Table> table;
  };

 public:
  Publisher(std::size_t reader_count, std::unique_ptr<const Table> first) : readers_(reader_count) {
    publish(std::move(first));
  }

  class Reader {
   public:
    // The newest table. Valid until this reader's next refresh() or offline().
    const Table& refresh() {
      // seq_cst on both: after offline(), reclaim() must not miss this reader coming back while it loads a
      // table that is about to be freed. So announce first ("may hold anything"), then load.
      auto& seen = owner_->readers_[index_].seen_version;
      if (seen.load(std::memory_order_relaxed) == kOffline) seen.store(0, std::memory_order_seq_cst);
      const Versioned* current = owner_->current_.load(std::memory_order_seq_cst);
      seen.store(current->version, std::memory_order_release);
      return *current->table;
    }
    // Before it blocks: a sleeping reader must not pin old tables.
    void offline() { owner_->readers_[index_].seen_version.store(kOffline, std::memory_order_release); }

   private:
    friend class Publisher;
    Reader(Publisher& owner, std::size_t index) : owner_(&owner), index_(index) {}
    Publisher* owner_;
    std::size_t index_;
  };

  Reader reader(std::size_t index) {
    HG_ASSERT(index < readers_.size());
    return Reader(*this, index);
  }

  // Returns the version that seen_by_all() answers for.
  uint64_t publish(std::unique_ptr<const Table> next) {
    live_.push_back(std::make_unique<Versioned>(Versioned{++last_version_, std::move(next)}));
    current_.store(live_.back().get(), std::memory_order_seq_cst);
    return last_version_;
  }

  const Table& current() const { return *live_.back()->table; }  // thread: control

  // Whether no reader can still use a table older than this one: it is applied.
  bool seen_by_all(uint64_t version) const { return oldest_seen() >= version; }

  // Frees tables that no reader can still see; returns how many remain.
  std::size_t reclaim() {
    const uint64_t oldest = oldest_seen();
    std::erase_if(live_, [&](const auto& held) { return held->version < std::min(oldest, last_version_); });
    return live_.size();
  }

 private:
  static constexpr uint64_t kOffline = UINT64_MAX;
  struct alignas(64) ReaderState {                 // one cache line each: readers never share a written line
    std::atomic<uint64_t> seen_version{kOffline};  // worker: writes, control: reads
  };

  uint64_t oldest_seen() const {
    uint64_t oldest = kOffline;
    for (const auto& reader : readers_)
      oldest = std::min(oldest, reader.seen_version.load(std::memory_order_seq_cst));
    return oldest;
  }

  std::vector<ReaderState> readers_;
  std::atomic<const Versioned*> current_{nullptr};
  std::vector<std::unique_ptr<Versioned>> live_;  // control only; back() is current
  uint64_t last_version_ = 0;
};

}  // namespace headgate::crossing
