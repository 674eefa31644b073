// SPDX-License-Identifier: Apache-2.0
// headgated as its users meet it: started, asked over HTTP, stopped, killed.
#include <chrono>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/mgmt/http/raw_client.hpp"
#include "tests/mgmt/program/headgated_process.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate {
namespace {

using Json = nlohmann::json;
using test::HeadgatedProcess;
using test::RawClient;
using testing::HasSubstr;
using testing::StartsWith;

class Headgated : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::vector<std::string> arguments(const std::string& listen = "127.0.0.1:0") const {
    return {"--database", directory_ / "db", "--listen", listen, "--token-file", directory_ / "token"};
  }
  void start() {
    process_.emplace(HEADGATED_PATH, arguments());
    const auto listening = process_->wait_until_listening();
    ASSERT_TRUE(listening) << process_->text();
    address_ = *listening;
  }
  std::string token() const {
    std::ifstream file(directory_ / "token");
    std::string line;
    std::getline(file, line);
    return line;
  }
  std::string request_text(const std::string& method, const std::string& target, const std::string& body,
                           const std::string& secret) const {
    return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string call(const std::string& method, const std::string& target, const std::string& body = "",
                   std::string secret = "") {
    RawClient client(address_);
    client.send(request_text(method, target, body, secret.empty() ? token() : secret));
    return client.response();
  }
  static Json body_of(const std::string& response) {
    return Json::parse(response.substr(response.find("\r\n\r\n")));
  }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("hgmgmt-program-" + std::to_string(::getpid()));
  std::optional<HeadgatedProcess> process_;
  Endpoint address_;
};

TEST_F(Headgated, ServesTheApiAndStopsCleanly) {
  start();
  EXPECT_THAT(call("GET", "/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(call("PUT", "/v1/nodes/n1", "{}"), StartsWith("HTTP/1.1 201 Created\r\n"));
  EXPECT_THAT(call("PUT", "/v1/nodes/n1", "{\"x\": 1}"), StartsWith("HTTP/1.1 422 "));
  EXPECT_THAT(call("GET", "/v1/nodes", "", "hg_wrong"), StartsWith("HTTP/1.1 401 "));
  EXPECT_EQ(body_of(call("GET", "/v1/openapi.json"))["openapi"], "3.1.0");
  EXPECT_EQ(process_->wait_after(SIGTERM), 0) << process_->text();
}

TEST_F(Headgated, AnswersWhatWaitsWhenItStops) {
  start();
  call("PUT", "/v1/nodes/n1", "{}");
  const auto one_time = body_of(call("POST", "/v1/nodes/n1/enrolment"))["token"];
  const auto credential =
      body_of(call("POST", "/v1/enroll", Json{{"node", "n1"}, {"token", one_time}}.dump()))["credential"]
          .get<std::string>();
  RawClient poll(address_);
  poll.send(request_text("GET", "/v1/nodes/n1/delta?base=2&timeout=60s", "", credential));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (call("GET", "/metrics").find("headgated_polls_waiting 1\n") == std::string::npos)
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the poll was never read";
  EXPECT_EQ(process_->wait_after(SIGTERM), 0);
  EXPECT_THAT(poll.response(), StartsWith("HTTP/1.1 204"));
}

TEST_F(Headgated, LosesNothingThatItHasAcknowledgedWhenItIsKilled) {
  start();
  const auto secret = token();
  for (int i = 0; i < 10; ++i) {
    const auto name = "n" + std::to_string(i);
    ASSERT_THAT(call("PUT", "/v1/nodes/" + name, "{}"), StartsWith("HTTP/1.1 201"));
    EXPECT_EQ(process_->wait_after(SIGKILL), -SIGKILL);
    start();
    ASSERT_EQ(token(), secret);
    ASSERT_THAT(call("GET", "/v1/nodes/" + name), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(Headgated, RefusesABodyOverItsLimit) {
  start();
  RawClient client(address_);
  client.send("PUT /v1/nodes/n1 HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 413 "));
  RawClient config(address_);
  config.send("PUT /v1/config HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n");
  EXPECT_THAT(config.response(), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(call("PUT", "/v1/config", R"({"nodes": [)" + std::string(2 << 20, ' ') + "]}"),
              StartsWith("HTTP/1.1 200"));
}

// The database with its write-ahead log, everything logged, every answer.
TEST_F(Headgated, ShowsAPrivateKeyNowhere) {
  auto loud = arguments();
  loud.insert(loud.end(), {"--log-level", "debug"});
  process_.emplace(HEADGATED_PATH, loud);
  const auto address = process_->wait_until_listening();
  ASSERT_TRUE(address) << process_->text();
  address_ = *address;
  const auto issued = testing_support::TestAuthority().issue({.common_name = "web", .alternative_names = ""});
  const auto body = Json{{"certificate", issued.certificate}, {"private_key", issued.key}};
  EXPECT_THAT(call("PUT", "/v1/certificates/web", body.dump()), StartsWith("HTTP/1.1 201"));
  auto bad = body;
  bad["certificate"] = "none";
  std::string seen = call("PUT", "/v1/certificates/bad", bad.dump());
  seen += call("PUT", "/v1/certificates/bad", "{\"private_key\": \"" + issued.key + "\"}");
  seen += call("GET", "/v1/certificates/web") + call("GET", "/v1/config") + call("GET", "/v1/revisions/2");
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    std::ifstream stream(file.path(), std::ios::binary);
    seen.append(std::istreambuf_iterator<char>(stream), {});
  }
  EXPECT_TRUE(std::filesystem::exists(directory_ / "db.key"));
  EXPECT_EQ(process_->wait_after(SIGTERM), 0);
  seen += process_->text();
  EXPECT_THAT(seen, HasSubstr("key_digest"));
  const auto second_line = issued.key.substr(96, 40);  // the first is the same in every key
  EXPECT_EQ(seen.find(second_line), std::string::npos);
  EXPECT_EQ(seen.find("PRIVATE KEY"), std::string::npos);
}

TEST_F(Headgated, SaysWhoHasItsPort) {
  start();
  auto second_arguments = arguments(address_.to_string());
  second_arguments[1] = directory_ / "other";
  HeadgatedProcess second(HEADGATED_PATH, second_arguments);
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.text(), HasSubstr("in use by headgated (pid"));
}

TEST_F(Headgated, SaysThatItsDatabaseIsInUse) {
  start();
  HeadgatedProcess second(HEADGATED_PATH, arguments());
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.text(), HasSubstr((directory_ / "db").string()));
}

TEST_F(Headgated, SaysWhatIsWrongWithItsDatabase) {
  std::ofstream(directory_ / "db")
      << "this is a letter, and no database at all, as one can see from its first line";
  HeadgatedProcess process(HEADGATED_PATH, arguments());
  EXPECT_EQ(process.wait(), 1);
  EXPECT_THAT(process.text(), HasSubstr((directory_ / "db").string()));
}

TEST_F(Headgated, ListensOnLoopbackOnly) {
  HeadgatedProcess process(HEADGATED_PATH, arguments("0.0.0.0:0"));
  EXPECT_EQ(process.wait(), 1);
  EXPECT_THAT(process.text(), HasSubstr("loopback"));
}

TEST_F(Headgated, EndsWithTwoOnBadUsage) {
  for (const auto& bad :
       {std::vector<std::string>{"--nonsense"}, {"--listen", "nowhere"}, {"--log-level", "loud"}}) {
    HeadgatedProcess process(HEADGATED_PATH, bad);
    EXPECT_EQ(process.wait(), 2) << bad[0] << process.text();
  }
  for (const char* asking : {"--help", "--version"}) {
    HeadgatedProcess process(HEADGATED_PATH, {asking});
    EXPECT_EQ(process.wait(), 0);
    EXPECT_THAT(process.text(), HasSubstr("headgated"));
  }
}

}  // namespace
}  // namespace headgate
