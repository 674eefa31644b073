// SPDX-License-Identifier: Apache-2.0
// LinkedQueue: first in, first out, its links in its elements: joining and leaving, from anywhere in it, cost
// a few instructions and no memory. Thread: one. An element that ends leaves by itself; a queue outlives its
// elements' time in it and never moves.
#pragma once

#include "dataplane/core/assert.hpp"

namespace headgate {

// What an element derives from.
class QueueLink {
 public:
  QueueLink() = default;
  QueueLink(const QueueLink&) = delete;
  QueueLink& operator=(const QueueLink&) = delete;

  bool waits() const { return next_ != nullptr; }
  void leave() {
    if (!next_) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 protected:
  ~QueueLink() { leave(); }

 private:
  template <typename Element>
  friend class LinkedQueue;

  void stand_before(QueueLink& place) {
    HG_ASSERT(!next_);
    prev_ = place.prev_;
    next_ = &place;
    place.prev_->next_ = this;
    place.prev_ = this;
  }

  QueueLink* prev_ = nullptr;
  QueueLink* next_ = nullptr;
};

template <typename Element>
class LinkedQueue {
 public:
  LinkedQueue() { ends_.prev_ = ends_.next_ = &ends_; }
  ~LinkedQueue() {
    while (Element* const element = first()) static_cast<QueueLink*>(element)->leave();
    ends_.prev_ = ends_.next_ = nullptr;
  }
  LinkedQueue(const LinkedQueue&) = delete;
  LinkedQueue& operator=(const LinkedQueue&) = delete;

  bool empty() const { return ends_.next_ == &ends_; }
  Element* first() { return empty() ? nullptr : static_cast<Element*>(ends_.next_); }  // null: there is none
  void join(Element& element) { static_cast<QueueLink&>(element).stand_before(ends_); }
  void join_in_front(Element& element) { static_cast<QueueLink&>(element).stand_before(*ends_.next_); }

 private:
  struct Ends final : QueueLink {};
  Ends ends_;
};

}  // namespace headgate
