// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/balance.hpp"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/l7/pool_fixture.hpp"

namespace headgate::l7 {
namespace {

using contract::Algorithm;

PoolSpec equals(std::size_t count, Algorithm algorithm) {
  PoolSpec spec;
  spec.algorithm = algorithm;
  for (std::size_t i = 0; i < count; ++i)
    spec.backends.push_back({"10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)});
  return spec;
}

TEST(Balance, RoundRobinGivesExactShares) {
  PoolFixture fixture({.backends = {{"10.0.0.1", 5}, {"10.0.0.2", 1}, {"10.0.0.3", 3}}});
  std::map<std::string, int> chosen;
  for (int i = 0; i < 9 * 7; ++i) ++chosen[fixture.choose().endpoint->text];
  EXPECT_EQ(chosen,
            (std::map<std::string, int>{{"10.0.0.1:80", 35}, {"10.0.0.2:80", 7}, {"10.0.0.3:80", 21}}));
}

TEST(Balance, AnEmptyPoolOrOneThatIsDownIsNoUsableBackend) {
  PoolFixture nothing({.backends = {}});
  EXPECT_EQ(nothing.choose().outcome, Outcome::kNoUsableBackend);
  PoolFixture down({.backends = {{"10.0.0.1"}}});
  EXPECT_EQ(down.down("10.0.0.1").choose().outcome, Outcome::kNoUsableBackend);
}

TEST(Balance, WhatAnExchangeTriedIsNotTriedAgain) {
  for (const auto algorithm :
       {Algorithm::kRoundRobin, Algorithm::kLeastRequests, Algorithm::kRandom, Algorithm::kMaglev}) {
    for (const std::size_t count : {1U, 2U, 3U, 7U, 15U}) {
      PoolFixture fixture(equals(count, algorithm));
      fixture.input.key = count;
      TriedEndpoints tried;
      std::set<std::string> seen;
      for (std::size_t i = 0; i < count; ++i) {
        const auto choice = fixture.choose(tried);
        ASSERT_EQ(choice.outcome, Outcome::kFound);
        ASSERT_TRUE(seen.insert(choice.endpoint->text).second);
        tried.add(*choice.endpoint);
      }
      EXPECT_EQ(fixture.choose(tried).outcome, Outcome::kAllBackendsTried);
    }
  }
}

TEST(Balance, TheLoadOfABackendThatFailsIsSpreadEvenlyOverTheOthers) {
  PoolFixture fixture(equals(5, Algorithm::kRoundRobin));
  std::map<std::string, int> served;
  for (int i = 0; i < 4'000; ++i) {
    TriedEndpoints tried;
    auto choice = fixture.choose(tried);
    if (choice.endpoint->text == "10.0.0.0:80") {
      tried.add(*choice.endpoint);
      choice = fixture.choose(tried);
    }
    ++served[choice.endpoint->text];
  }
  ASSERT_EQ(served.size(), 4U);
  for (const auto& [text, count] : served) EXPECT_EQ(count, 1'000) << text;
}

TEST(Balance, LeastRequestsGoesWhereTheFewestAreOutstandingForTheWeight) {
  PoolFixture fixture({.backends = {{"10.0.0.1", 1}, {"10.0.0.2", 2}, {"10.0.0.3", 1}},
                       .algorithm = Algorithm::kLeastRequests});
  std::map<std::string, int> outstanding;
  std::vector<OutstandingRequest> requests;
  for (int i = 0; i < 40; ++i) {
    const auto choice = fixture.choose();
    requests.emplace_back(*choice.endpoint, fixture.endpoints.row(0));
    ++outstanding[choice.endpoint->text];
  }
  EXPECT_EQ(outstanding,
            (std::map<std::string, int>{{"10.0.0.1:80", 10}, {"10.0.0.2:80", 20}, {"10.0.0.3:80", 10}}));
  std::erase_if(requests,
                [](const OutstandingRequest& request) { return request.get()->text == "10.0.0.3:80"; });
  for (int i = 0; i < 10; ++i) {
    const auto choice = fixture.choose();
    EXPECT_EQ(choice.endpoint->text, "10.0.0.3:80");
    requests.emplace_back(*choice.endpoint, fixture.endpoints.row(0));
  }
}

TEST(Balance, LeastRequestsTakesTurnsAmongIdleBackends) {
  PoolFixture fixture(equals(4, Algorithm::kLeastRequests));
  std::map<std::string, int> chosen;
  for (int i = 0; i < 40; ++i) ++chosen[fixture.choose().endpoint->text];
  for (const auto& [text, count] : chosen) EXPECT_EQ(count, 10) << text;
}

TEST(Balance, LeastRequestsStaysEvenInAPoolTooLargeToCompareAll) {
  constexpr int kEndpoints = 500;
  PoolFixture fixture(equals(kEndpoints, Algorithm::kLeastRequests));
  std::map<std::string, int> outstanding;
  std::vector<OutstandingRequest> requests;
  for (int i = 0; i < kEndpoints * 10; ++i) {
    const auto choice = fixture.choose();
    requests.emplace_back(*choice.endpoint, fixture.endpoints.row(0));
    ++outstanding[choice.endpoint->text];
  }
  ASSERT_EQ(outstanding.size(), std::size_t{kEndpoints});
  for (const auto& [text, count] : outstanding) EXPECT_NEAR(count, 10, 3) << text;
}

TEST(Balance, SharesFollowWeightsByEveryAlgorithm) {
  const std::vector<uint32_t> weights{1, 7, 3, 0, 20, 9};
  for (const auto algorithm :
       {Algorithm::kRoundRobin, Algorithm::kLeastRequests, Algorithm::kRandom, Algorithm::kMaglev}) {
    PoolSpec spec{.backends = {}, .algorithm = algorithm};
    for (std::size_t i = 0; i < weights.size(); ++i)
      spec.backends.push_back({"10.0.0." + std::to_string(i + 1), weights[i]});
    PoolFixture fixture(spec);
    std::map<std::string, int> chosen;
    constexpr int kChoices = 40'000;
    for (int i = 0; i < kChoices; ++i) {
      fixture.input.key = fixture.random();
      ++chosen[fixture.chosen()];
    }
    for (std::size_t i = 0; i < weights.size(); ++i)
      EXPECT_NEAR(static_cast<double>(chosen["10.0.0." + std::to_string(i + 1) + ":80"]) / kChoices,
                  weights[i] / 40.0, 0.01)
          << i << " by algorithm " << static_cast<int>(algorithm);
  }
}

TEST(Balance, SharesOfOutstandingRequestsFollowWeightsInALargePool) {
  PoolSpec spec{.backends = {}, .algorithm = Algorithm::kLeastRequests};
  for (int i = 0; i < 40; ++i) spec.backends.push_back({"10.0.0." + std::to_string(i + 1), i % 2 ? 3U : 1U});
  PoolFixture fixture(spec);
  std::vector<OutstandingRequest> requests;
  std::size_t heavy = 0;
  for (int i = 0; i < 4'000; ++i) {
    const auto choice = fixture.choose();
    requests.emplace_back(*choice.endpoint, fixture.endpoints.row(0));
    heavy += choice.endpoint->address.address.bytes()[3] % 2 == 0;
  }
  EXPECT_NEAR(static_cast<double>(heavy) / 4'000, 0.75, 0.02);
}

TEST(Balance, AKeyStaysWhereItIsWhileOthersComeAndGo) {
  PoolSpec spec = equals(10, Algorithm::kMaglev);
  PoolFixture fixture(spec);
  constexpr uint64_t kKeys = 20'000;
  const auto all_chosen = [&] {
    std::mt19937_64 keys(9);
    std::vector<std::string> chosen;
    for (uint64_t i = 0; i < kKeys; ++i) {
      fixture.input.key = keys();
      chosen.push_back(fixture.chosen());
    }
    return chosen;
  };
  const auto moved = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
    double count = 0;
    for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
    return count / static_cast<double>(a.size());
  };
  const auto before = all_chosen();
  EXPECT_EQ(moved(before, all_chosen()), 0);
  fixture.down("10.0.0.4");
  EXPECT_NEAR(moved(before, all_chosen()), 0.1, 0.01) << "health only masks: no key of another moves";
  fixture.up("10.0.0.4");
  EXPECT_EQ(moved(before, all_chosen()), 0);
  spec.backends.erase(spec.backends.begin() + 4);
  fixture.change(spec);
  EXPECT_LE(moved(before, all_chosen()), 0.1 + 0.006 + 0.004)
      << "the lost share, 0.6 %, and the sample's error";
}

TEST(Balance, ARequestWithoutAKeyTakesTurns) {
  PoolFixture fixture(equals(4, Algorithm::kMaglev));
  std::map<std::string, int> chosen;
  for (int i = 0; i < 40; ++i) ++chosen[fixture.chosen()];
  for (const auto& [text, count] : chosen) EXPECT_EQ(count, 10) << text;
}

TEST(Balance, WhatIsTriedLeadsIntoTheNextPriority) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}, {.host = "10.0.0.2", .priority = 1}}});
  TriedEndpoints tried;
  EXPECT_EQ(fixture.chosen(tried), "10.0.0.1:80");
  tried.add(*fixture.find("10.0.0.1"));
  EXPECT_EQ(fixture.chosen(tried), "10.0.0.2:80");
  tried.add(*fixture.find("10.0.0.2"));
  EXPECT_EQ(fixture.chosen(tried), "all_backends_tried");
}

TEST(Balance, AnOutstandingRequestIsCountedWhileItLives) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}}});
  const auto* endpoint = fixture.choose().endpoint;
  auto& cell = fixture.endpoints.row(0).cell(endpoint->slot);
  {
    OutstandingRequest one(*endpoint, fixture.endpoints.row(0));
    OutstandingRequest other(*endpoint, fixture.endpoints.row(0));
    EXPECT_EQ(cell.tally, 2U);
    OutstandingRequest moved = std::move(one);
    other = std::move(moved);
    EXPECT_EQ(cell.tally, 1U);
  }
  EXPECT_EQ(cell.tally, 0U);
  EXPECT_EQ(cell.pins.load(), 0U);
}

}  // namespace
}  // namespace headgate::l7
