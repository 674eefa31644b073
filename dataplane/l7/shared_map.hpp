// SPDX-License-Identifier: Apache-2.0
// SharedMap<V>: an immutable hash table whose next revision shares with it what did not change. About sqrt(n)
// pages of sqrt(n) entries: a look-up costs two steps however many entries there are, and a change copies one
// page and the list of pages (100,000 entries: 512 pointers and 200 entries). Copying the map itself copies
// a pointer. Threads: with() the control thread; find() any.
//
// V has `std::string_view key() const`. All 64 bits of a hash must be mixed (hash.hpp): the top ones choose
// the page, the low 32 the place in it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::l7 {

template <typename V>
class SharedMap {
 public:
  using ValuePtr = std::shared_ptr<const V>;
  struct Change {
    uint64_t hash = 0;
    std::string_view key;  // outlives the call
    ValuePtr value;        // null: removed
  };

  std::size_t size() const { return root_ ? root_->size : 0; }
  bool empty() const { return size() == 0; }

  const V* find(uint64_t hash, std::string_view key) const {
    const ValuePtr* held = find_held(hash, key);
    return held ? held->get() : nullptr;
  }
  ValuePtr find_shared(uint64_t hash, std::string_view key) const {
    const ValuePtr* held = find_held(hash, key);
    return held ? *held : nullptr;
  }

  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    if (!root_) return;
    for (const auto& page : root_->pages)
      for (const auto& entry : entries_of(page))
        if (entry.value) visit(*entry.value);
  }

  // The map after all changes, each key at most once. Work: the pages that they fall on.
  SharedMap with(std::vector<Change> changes) const {
    if (changes.empty()) return *this;
    auto root =
        root_ ? std::make_shared<Root>(*root_) : std::make_shared<Root>(page_bits_for(changes.size()));
    place(*root, changes);
    // Growth by a factor of 4 pays for placing everything anew; shrinking waits, so as not to swing.
    const unsigned page_bits = page_bits_for(root->size);
    if (page_bits > root->page_bits || page_bits + 1 < root->page_bits) root = placed_anew(*root, page_bits);
    SharedMap next;
    if (root->size != 0) next.root_ = std::move(root);
    return next;
  }

 private:
  struct Entry {
    uint64_t hash = 0;
    ValuePtr value;
  };
  // At most two thirds of the entries are used; probed in order.
  struct Page {
    explicit Page(std::size_t used_max) : capacity(static_cast<uint32_t>(used_max + used_max / 2 + 1)) {}
    Page() = default;
    std::size_t place_of(uint64_t hash) const { return (hash & 0xffff'ffff) * capacity >> 32; }
    std::size_t after(std::size_t place) const { return place + 1 == capacity ? 0 : place + 1; }

    std::shared_ptr<const Entry[]> entries;
    uint32_t capacity = 0;
    uint32_t used = 0;
  };
  struct Root {
    explicit Root(unsigned bits) : pages(std::size_t{1} << bits), page_bits(bits) {}
    std::size_t page_of(uint64_t hash) const { return page_bits == 0 ? 0 : hash >> (64 - page_bits); }

    std::vector<Page> pages;
    unsigned page_bits;
    std::size_t size = 0;
  };
  static std::span<const Entry> entries_of(const Page& page) {
    return {page.entries.get(), page.entries ? page.capacity : 0U};
  }

  static constexpr std::size_t kSmallPageEntries = 16;

  static unsigned page_bits_for(std::size_t size) {
    unsigned bits = 0;
    while ((std::max(std::size_t{1} << bits, kSmallPageEntries) << bits) < size) ++bits;
    return bits;
  }

  const ValuePtr* find_held(uint64_t hash, std::string_view key) const {
    if (!root_) return nullptr;
    const Page& page = root_->pages[root_->page_of(hash)];
    if (!page.entries) return nullptr;
    for (std::size_t at = page.place_of(hash);; at = page.after(at)) {
      const Entry& entry = page.entries[at];
      if (!entry.value) return nullptr;
      if (entry.hash == hash && entry.value->key() == key) return &entry.value;
    }
  }

  static bool by_hash(const Change& a, const Change& b) { return a.hash < b.hash; }

  static void place(Root& root, std::vector<Change>& changes) {
    std::sort(changes.begin(), changes.end(), by_hash);  // so by page too
    for (auto first = changes.begin(); first != changes.end();) {
      const std::size_t index = root.page_of(first->hash);
      const auto last = std::find_if(
          first, changes.end(), [&](const Change& change) { return root.page_of(change.hash) != index; });
      Page& page = root.pages[index];
      root.size -= page.used;
      page = changed_page(page, {&*first, static_cast<std::size_t>(last - first)});
      root.size += page.used;
      first = last;
    }
  }

  static std::shared_ptr<Root> placed_anew(const Root& old, unsigned page_bits) {
    std::vector<Change> all;
    all.reserve(old.size);
    for (const auto& page : old.pages)
      for (const auto& entry : entries_of(page))
        if (entry.value) all.push_back({entry.hash, entry.value->key(), entry.value});
    auto root = std::make_shared<Root>(page_bits);
    place(*root, all);
    return root;
  }

  // `changes` sorted by hash.
  static Page changed_page(const Page& page, std::span<const Change> changes) {
    const auto is_changed = [&](const Entry& entry) {
      const auto same_hash =
          std::equal_range(changes.begin(), changes.end(), Change{entry.hash, {}, {}}, by_hash);
      return std::any_of(same_hash.first, same_hash.second,
                         [&](const Change& change) { return change.key == entry.value->key(); });
    };
    Page next(page.used + changes.size());
    const auto entries = std::shared_ptr<Entry[]>(new Entry[next.capacity]);
    next.entries = entries;
    const auto insert = [&](uint64_t hash, const ValuePtr& value) {
      std::size_t at = next.place_of(hash);
      while (entries[at].value) at = next.after(at);
      entries[at] = {hash, value};
      ++next.used;
    };
    for (const auto& entry : entries_of(page))
      if (entry.value && !is_changed(entry)) insert(entry.hash, entry.value);
    for (const auto& change : changes)
      if (change.value) insert(change.hash, change.value);
    return next.used == 0 ? Page{} : next;
  }

  std::shared_ptr<const Root> root_;
};

}  // namespace headgate::l7
