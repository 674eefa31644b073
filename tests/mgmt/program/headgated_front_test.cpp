// SPDX-License-Identifier: Apache-2.0
// headgated with a port for other machines: what it leaves for the process that serves them.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/mgmt/http/raw_client.hpp"
#include "tests/mgmt/program/headgated_process.hpp"

namespace headgate {
namespace {

using test::HeadgatedProcess;
using test::RawClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class HeadgatedFront : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::vector<std::string> arguments(std::vector<std::string> more) const {
    std::vector<std::string> all{"--database",  directory_ / "db", "--listen",
                                 "127.0.0.1:0", "--token-file",    directory_ / "token"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void start(std::vector<std::string> more) {
    process_.emplace(HEADGATED_PATH, arguments(std::move(more)));
    const auto listening = process_->wait_until_listening();
    ASSERT_TRUE(listening) << process_->text();
    address_ = *listening;
  }
  std::string get_authority() const {
    RawClient client(address_);
    client.send("GET /v1/ca HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.response();
  }
  std::string text_of(const char* file) const {
    std::ifstream stream(directory_ / "front" / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  // Until a file is another than it was, or the process has no time left.
  std::string wait_for_other(const char* file, const std::string& before) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto now = text_of(file);
    while ((now == before || now.empty()) && std::chrono::steady_clock::now() < deadline) now = text_of(file);
    return now;
  }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("hgmgmt-front-" + std::to_string(::getpid()));
  std::optional<HeadgatedProcess> process_;
  Endpoint address_;
};

TEST_F(HeadgatedFront, LeavesWhatAShardNeedsAndSaysHowToServeIt) {
  start({"--front", "127.0.0.1:7443", "--front-name", "api.example.com"});
  const auto snapshot = nlohmann::json::parse(text_of("snapshot.json")).dump();
  EXPECT_THAT(snapshot, HasSubstr("\"port\":" + std::to_string(address_.port)));
  EXPECT_THAT(snapshot, HasSubstr("7443"));
  EXPECT_THAT(text_of("secrets.json"), HasSubstr("PRIVATE KEY"));
  EXPECT_THAT(get_authority(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get_authority(), EndsWith(text_of("ca.pem")));
  EXPECT_EQ(process_->wait_after(SIGTERM), 0);
  EXPECT_THAT(process_->text(), HasSubstr("headgate-shard --name front/0 --snapshot " +
                                          (directory_ / "front" / "snapshot.json").string()));
}

TEST_F(HeadgatedFront, KeepsItsAuthorityWhenItIsKilledAndRenewsTheCertificate) {
  start({"--front", "127.0.0.1:7443"});
  const auto authority = text_of("ca.pem");
  const auto snapshot = text_of("snapshot.json");
  EXPECT_THAT(authority, StartsWith("-----BEGIN CERTIFICATE-----"));
  process_->wait_after(SIGKILL);
  start({"--front", "127.0.0.1:7443"});
  EXPECT_EQ(text_of("ca.pem"), authority);
  EXPECT_NE(text_of("snapshot.json"), snapshot);
}

TEST_F(HeadgatedFront, RenewsTheCertificateWhileItServes) {
  start({"--front", "127.0.0.1:7443", "--front-certificate-lifetime", "3s"});
  auto snapshot = text_of("snapshot.json");
  for (int i = 0; i < 2; ++i) {
    const auto renewed = wait_for_other("snapshot.json", snapshot);
    EXPECT_NE(renewed, snapshot);
    snapshot = renewed;
  }
  EXPECT_EQ(process_->wait_after(SIGTERM), 0);
}

TEST_F(HeadgatedFront, ServesOnWithoutItWhereItCannotBeWritten) {
  std::ofstream(directory_ / "front") << "in the way";
  start({"--front", "127.0.0.1:7443"});
  EXPECT_THAT(get_authority(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(process_->wait_after(SIGTERM), 0);
  EXPECT_THAT(process_->text(), HasSubstr("the API's front gets no new certificate"));
}

TEST_F(HeadgatedFront, IsNotThereUnlessAskedFor) {
  start({});
  EXPECT_THAT(get_authority(), StartsWith("HTTP/1.1 404"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "front"));
}

TEST_F(HeadgatedFront, EndsWithTwoOnBadUsage) {
  for (const auto& bad : std::vector<std::vector<std::string>>{
           {"--front", "nowhere"},
           {"--front", "0.0.0.0:0"},
           {"--front-name", "a.example"},
           {"--front", "0.0.0.0:7443", "--front-name", "a b"},
           {"--front", "0.0.0.0:7443", "--front-name", "192.0.2.1:80"},
           {"--front", "0.0.0.0:7443", "--front-certificate-lifetime", "30 days"},
           {"--front", "0.0.0.0:7443", "--front-certificate-lifetime", "1s"}}) {
    HeadgatedProcess process(HEADGATED_PATH, arguments(bad));
    EXPECT_EQ(process.wait(), 2) << bad.back() << process.text();
    EXPECT_FALSE(std::filesystem::exists(directory_ / "db")) << bad.back();
  }
}

}  // namespace
}  // namespace headgate
