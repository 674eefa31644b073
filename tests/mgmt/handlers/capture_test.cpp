// SPDX-License-Identifier: Apache-2.0
// headgate-l4's part is tests/fastpath/packet_capturer_test.cpp; here the node that carries the question is
// played.
#include "mgmt/handlers/capture.hpp"

#include "dataplane/contract/codec.hpp"
#include "tests/mgmt/handlers/api_fixture.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;
using namespace std::chrono_literals;
using testing::HasSubstr;

class CaptureTest : public ApiFixture {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    put_simple_ingress();
    credential_ = enrolled("n1");
  }
  void report(const std::string& node, const std::string& credential, const std::string& results) {
    ASSERT_EQ(
        call("POST", "/v1/nodes/" + node + "/report",
             R"({"received": 1, "applied": 1, "processes": [{"process": "l4", "state": "running", "pid": 1}],
                       "results": )" +
                 results + "}",
             {}, credential)
            .status,
        204);
  }
  void run() { report("n1", credential_, "[]"); }
  // The command as the node gets it.
  contract::AddressedCommand command() {
    const auto update = call("GET", "/v1/nodes/n1/delta?base=" + std::to_string(revision()) + "&timeout=30s",
                             "", {}, credential_);
    const auto decoded = contract::decode_node_update(update.body);
    EXPECT_TRUE(decoded.ok() && decoded->commands.size() == 1) << update.body;
    return decoded.ok() && !decoded->commands.empty() ? decoded->commands[0] : contract::AddressedCommand{};
  }
  void answer(const contract::AddressedCommand& to, const contract::CaptureAnswer& answer) {
    report("n1", credential_,
           "[" + JsonValue{{"id", to.command.id}, {"ok", true}, {"body", contract::encode(answer)}}.dump() +
               "]");
  }
  // The places of a refusal: "422 /filter invalid_value".
  static std::string fault(const http::Response& response) {
    std::string text = std::to_string(response.status);
    for (const auto& error : JsonValue::parse(response.body).value("errors", JsonValue::array()))
      text += " " + error["pointer"].get<std::string>() + " " + error["code"].get<std::string>();
    return text;
  }
  std::string fault_of(const std::string& body) { return fault(call("POST", "/v1/captures", body)); }

  std::string credential_;
};

TEST_F(CaptureTest, AnswersWithTheFile) {
  run();
  auto asked = begin("POST", "/v1/captures", R"({"listener": "web", "filter": "host 192.0.2.2", "count": 7,
                                                 "seconds": 60, "snap_bytes": "2Ki"})");
  const auto sent = command();
  EXPECT_EQ(sent.process, "l4");
  EXPECT_EQ(sent.command.verb, "capture");
  EXPECT_GT(sent.command.timeout, 60s) << "the node waits for it as long as it may take";
  const auto question = contract::decode_capture_question(sent.command.body);
  ASSERT_TRUE(question.ok()) << question.error().message;
  EXPECT_EQ(question->listener, "web");
  EXPECT_EQ(question->reached.to_string(), "192.0.2.100:80");
  EXPECT_EQ(question->protocol, contract::Protocol::kTcp);
  EXPECT_EQ(question->filter, "host 192.0.2.2");
  EXPECT_EQ(question->count, 7u);
  EXPECT_EQ(question->duration, 60s);
  EXPECT_EQ(question->snap_bytes, 2048u);

  // The largest that comes, of bytes that are no text.
  std::string file(limits::kCaptureFileBytesMax, '\0');
  for (std::size_t i = 0; i < file.size(); ++i) file[i] = static_cast<char>(i * 7);
  answer(sent, {.ended_by = contract::CaptureEnd::kBytes, .packets = 5, .lost = 2, .pcapng = {file}});
  const auto response = asked.get();
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/x-pcapng");
  EXPECT_TRUE(response.body == file);
  EXPECT_EQ(header(response, "Headgate-Node"), "n1");
  EXPECT_EQ(header(response, "Headgate-Packets"), "5");
  EXPECT_EQ(header(response, "Headgate-Lost"), "2");
  EXPECT_EQ(header(response, "Headgate-Ended-By"), "bytes");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
  EXPECT_THAT(call("GET", "/v1/audit").body, HasSubstr("capture")) << "who looked is to be found again";
}

TEST_F(CaptureTest, HasDefaultsThatEndSoonAndShowLittle) {
  run();
  auto asked = begin("POST", "/v1/captures", R"({"listener": "web"})");
  const auto sent = command();
  const auto question = contract::decode_capture_question(sent.command.body);
  ASSERT_TRUE(question.ok());
  EXPECT_EQ(question->filter, "");
  EXPECT_EQ(question->count, 1000u);
  EXPECT_EQ(question->duration, 10s);
  EXPECT_EQ(question->snap_bytes, 128u);
  answer(sent, {});
  EXPECT_EQ(asked.get().status, 200);
}

TEST_F(CaptureTest, SaysWhatTheNodeRefuses) {
  run();
  auto asked = begin("POST", "/v1/captures", R"({"listener": "web", "filter": "tcp port"})");
  answer(command(), {.refusal = contract::CaptureRefusal::kFilterInvalid, .reason = "syntax error"});
  auto response = asked.get();
  EXPECT_EQ(fault(response), "422 /filter invalid_value");
  EXPECT_THAT(response.body, HasSubstr("syntax error."));
  asked = begin("POST", "/v1/captures", R"({"listener": "web"})");
  answer(command(), {.refusal = contract::CaptureRefusal::kUnderWay, .reason = "one of dns is under way"});
  response = asked.get();
  EXPECT_EQ(fault(response), "409  conflict");
  EXPECT_THAT(response.body, HasSubstr("one of dns is under way."));
}

TEST_F(CaptureTest, WhatCannotBeIsRefusedAtOnce) {
  EXPECT_EQ(fault_of(R"({"listener": "web"})"), "503") << "no l4 runs";
  run();
  EXPECT_EQ(fault_of(R"({"listener": "gone"})"), "422 /listener not_found");
  EXPECT_EQ(fault_of(R"({"listener": "web", "node": "n2"})"), "503");
  EXPECT_EQ(fault_of(R"({"listener": "web", "count": 0})"), "422 /count invalid_value");
  EXPECT_EQ(fault_of(R"({"listener": "web", "count": 10001})"), "422 /count invalid_value");
  EXPECT_EQ(fault_of(R"({"listener": "web", "seconds": 61})"), "422 /seconds invalid_value");
  EXPECT_EQ(fault_of(R"({"listener": "web", "snap_bytes": "63"})"), "422 /snap_bytes invalid_value");
  EXPECT_EQ(fault_of(R"({"listener": "web", "snap_bytes": "3Ki"})"), "422 /snap_bytes invalid_value");
  EXPECT_EQ(fault_of(R"({"listener": "web", "filters": "tcp"})"), "422 /filters unknown_field");
  EXPECT_EQ(fault_of("{}"), "422 /listener missing_field");
}

TEST_F(CaptureTest, OfSeveralNodesOneIsNamed) {
  run();
  put("/v1/nodes/n2", "{}");
  report("n2", enrolled("n2"), "[]");
  const auto response = call("POST", "/v1/captures", R"({"listener": "web"})");
  EXPECT_EQ(fault(response), "422 /node missing_field");
  EXPECT_THAT(response.body, HasSubstr("n1, n2"));
  auto asked = begin("POST", "/v1/captures", R"({"listener": "web", "node": "n1"})");
  answer(command(), {});
  EXPECT_EQ(asked.get().status, 200);
}

TEST_F(CaptureTest, IsForAdminsAlone) {
  run();
  const auto status = [&](const std::string& secret) {
    return call("POST", "/v1/captures", R"({"listener": "web"})", {}, secret).status;
  };
  EXPECT_EQ(status(new_token("o", R"({"role": "operator"})")), 403);
  EXPECT_EQ(status(new_token("v", R"({"role": "viewer"})")), 403);
  EXPECT_EQ(status(new_token("e", R"({"role": "editor", "namespaces": ["default"]})")), 403);
  EXPECT_EQ(status(credential_), 403) << "a node";
}

TEST_F(CaptureTest, EndsWhenItsClientGoes) {
  run();
  auto asked = begin("POST", "/v1/captures", R"({"listener": "web", "seconds": 60})");
  const auto client = departure_;
  const auto sent = command();
  client->happen();
  const auto end = command();
  EXPECT_EQ(end.process, "l4");
  EXPECT_EQ(end.command.verb, "end_capture");
  EXPECT_EQ(end.command.body, sent.command.body);
  answer(sent, {.ended_by = contract::CaptureEnd::kStopped});
  EXPECT_EQ(asked.get().status, 200) << "the server drops it: its client has gone";
}

}  // namespace
}  // namespace headgate::handlers
