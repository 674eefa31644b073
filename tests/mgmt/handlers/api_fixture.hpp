// SPDX-License-Identifier: Apache-2.0
// ApiFixture: the whole API over a fresh database, called without a socket: a request in, a response out.
// Thread: the test's; answers that come later are waited for.
#pragma once

#include <filesystem>
#include <future>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mgmt/auth/first_token.hpp"
#include "mgmt/auth/secret.hpp"
#include "mgmt/handlers/api.hpp"

namespace headgate::test {

using JsonValue = nlohmann::json;
using Headers = std::map<std::string, std::string>;

class ApiFixture : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("hgmgmt-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
    open();
    db::Token admin;
    admin.name = "admin";
    admin.role = db::Role::kAdmin;
    ASSERT_TRUE(service_->store().put_token("test", admin, auth::digest_of(kAdmin), {}).ok());
  }
  void TearDown() override {
    service_.reset();
    std::filesystem::remove_all(directory_);
  }

  void open() {
    service_.reset();
    auto store = db::Store::open(directory_ / "db");
    ASSERT_TRUE(store.ok()) << store.error().message;
    auto vault = service::Vault::open(*store, directory_ / "key");
    ASSERT_TRUE(vault.ok()) << vault.error().message;
    auto service = service::Service::start(std::move(*store), std::move(*vault));
    ASSERT_TRUE(service.ok()) << service.error().message;
    service_ = std::move(*service);
  }

  // The answer to be; `secret` empty: no token.
  std::future<http::Response> begin(const std::string& method, const std::string& target,
                                    const std::string& body = "", Headers headers = {},
                                    const std::string& secret = kAdmin) {
    http::Request request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    EXPECT_TRUE(http::split_path(request.path, request.segments));
    for (auto at = target.find('?'); at != std::string::npos;) {
      const auto end = target.find('&', at + 1);
      const auto pair = target.substr(at + 1, end == std::string::npos ? end : end - at - 1);
      const auto equals = pair.find('=');
      request.query[pair.substr(0, equals)] = equals == std::string::npos ? "" : pair.substr(equals + 1);
      at = end;
    }
    request.headers = std::move(headers);
    if (!secret.empty()) request.headers["authorization"] = "Bearer " + secret;
    request.body = body;
    departure_ = request.departure;
    auto promise = std::make_shared<std::promise<http::Response>>();
    auto answer = promise->get_future();
    handlers::Api(*service_, document(), authority_)
        .handle(std::move(request),
                [promise](http::Response response) { promise->set_value(std::move(response)); });
    return answer;
  }
  http::Response call(const std::string& method, const std::string& target, const std::string& body = "",
                      Headers headers = {}, const std::string& secret = kAdmin) {
    return begin(method, target, body, std::move(headers), secret).get();
  }
  JsonValue get(const std::string& target) {
    const auto response = call("GET", target);
    EXPECT_EQ(response.status, 200) << target << response.body;
    return JsonValue::parse(response.body);
  }
  void put(const std::string& target, const std::string& body) {
    const auto response = call("PUT", target, body);
    ASSERT_THAT(response.status, testing::AnyOf(200, 201)) << target << response.body;
  }
  // n1, shard edge, listener web, pool app, route app.
  void put_simple_ingress() {
    put("/v1/nodes/n1", "{}");
    put("/v1/shards/edge", "{}");
    put("/v1/listeners/web", R"({"address": "192.0.2.100", "port": 80, "shard": "edge"})");
    put("/v1/namespaces/default/pools/app", R"({"backends": [{"address": "10.0.1.2", "port": 8080}]})");
    put("/v1/namespaces/default/routes/app",
        R"({"listeners": ["web"], "hostnames": ["app.example.com"], "rules": [{"forward": [{"pool": "app"}]}]})");
  }
  std::string new_token(const std::string& name, const std::string& body) {
    return JsonValue::parse(call("PUT", "/v1/tokens/" + name, body).body).value("secret", "");
  }
  std::string enrolled(const std::string& node) {
    const auto token =
        JsonValue::parse(call("POST", "/v1/nodes/" + node + "/enrolment").body).value("token", "");
    const auto enrolled =
        call("POST", "/v1/enroll", JsonValue{{"node", node}, {"token", token}}.dump(), {}, "");
    return JsonValue::parse(enrolled.body).value("credential", "");
  }
  uint64_t revision() { return get("/v1/status")["revision"]; }

  static const openapi::ApiDocument& document() {
    static const openapi::ApiDocument kDocument;
    return kDocument;
  }
  static std::string header(const http::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return {};
  }

  static constexpr const char* kAdmin = "hg_the-admin-of-these-tests";
  std::filesystem::path directory_;
  std::unique_ptr<service::Service> service_;
  std::shared_ptr<http::Departure> departure_;            // of the client whose request was begun last
  const handlers::PublicAuthority* authority_ = nullptr;  // of the API's front, where a test has one
};

}  // namespace headgate::test
