// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/shared_map.hpp"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/l7/hash.hpp"

namespace headgate::l7 {
namespace {

struct Word {
  std::string text;
  int value = 0;
  std::string_view key() const { return text; }
};
using Map = SharedMap<Word>;

// Few hashes, so that different keys meet with the same one.
uint64_t poor_hash(std::string_view text) { return hash_text(text.substr(0, 2)); }

void expect_equal(const Map& map, const std::map<std::string, int>& model) {
  ASSERT_EQ(map.size(), model.size());
  for (const auto& [text, value] : model) {
    const Word* word = map.find(poor_hash(text), text);
    ASSERT_NE(word, nullptr) << text;
    ASSERT_EQ(word->value, value) << text;
  }
  std::size_t visited = 0;
  map.for_each([&](const Word&) { ++visited; });
  ASSERT_EQ(visited, model.size());
}

TEST(SharedMap, IsAMapWhoseOldRevisionsStay) {
  std::mt19937 random(1);
  Map map;
  std::map<std::string, int> model;
  for (int round = 0; round < 400; ++round) {
    const Map before = map;
    const auto model_before = model;
    const bool shrink = round % 100 >= 70;
    std::map<std::string, int> changed;  // each key once
    for (unsigned i = random() % 40; i > 0; --i) changed[std::to_string(random() % 2000)] = round;
    std::vector<Map::Change> changes;
    for (const auto& [text, value] : changed) {
      const bool removed = shrink || random() % 4 == 0;
      changes.push_back(
          {poor_hash(text), text, removed ? nullptr : std::make_shared<Word>(Word{text, value})});
      removed ? void(model.erase(text)) : void(model[text] = value);
    }
    map = map.with(std::move(changes));
    expect_equal(map, model);
    expect_equal(before, model_before);
  }
}

TEST(SharedMap, GrowsAndShrinksToNothing) {
  Map map;
  std::vector<Map::Change> changes;
  std::vector<std::string> texts;
  for (int i = 0; i < 20'000; ++i) texts.push_back(std::to_string(i));
  for (const auto& text : texts)
    changes.push_back({hash_text(text), text, std::make_shared<Word>(Word{text})});
  map = map.with(changes);
  EXPECT_EQ(map.size(), texts.size());
  for (const auto& text : texts) ASSERT_NE(map.find(hash_text(text), text), nullptr);
  EXPECT_EQ(map.find(hash_text("x"), "x"), nullptr);
  for (auto& change : changes) change.value = nullptr;
  map = map.with(changes);
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.find(hash_text("1"), "1"), nullptr);
}

}  // namespace
}  // namespace headgate::l7
