// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/grpc.hpp"

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

RequestHead request(Version version, std::string_view type) {
  RequestHead head;
  head.version = version;
  if (!type.empty()) head.headers.add(HeaderId::kContentType, type);
  return head;
}

TEST(Grpc, IsSpokenByItsContentTypeOverHttp2) {
  for (const auto type : {"application/grpc", "application/grpc+proto", "Application/gRPC;charset=utf-8"})
    EXPECT_TRUE(speaks_grpc(request(Version::kHttp2, type))) << type;
  for (const auto type :
       {"", "application/grp", "application/grpc-web", "application/grpc-web+proto", "application/json"})
    EXPECT_FALSE(speaks_grpc(request(Version::kHttp2, type))) << type;
  EXPECT_FALSE(speaks_grpc(request(Version::kHttp11, "application/grpc")));
}

TEST(Grpc, StatusesAreThoseThatItsLibrariesMakeOfHttps) {
  const std::pair<uint16_t, std::string_view> table[] = {
      {400, "13"}, {401, "16"}, {403, "7"}, {404, "12"}, {408, "2"},  {413, "2"},  {421, "2"},
      {429, "14"}, {431, "2"},  {500, "2"}, {501, "2"},  {502, "14"}, {503, "14"}, {504, "14"}};
  for (const auto& [http, grpc] : table) EXPECT_EQ(grpc_status_of(http), grpc) << http;
}

TEST(Grpc, MessagesArePercentEncoded) {
  Arena arena;
  EXPECT_EQ(grpc_message("", arena), "");
  EXPECT_EQ(grpc_message("Not Found: no_rule ~", arena), "Not Found: no_rule ~");
  EXPECT_EQ(grpc_message("100 %\r\n\x7f\xc3\xa9", arena), "100 %25%0D%0A%7F%C3%A9");
}

TEST(Grpc, AnAnswerIsAHeadThatSaysAll) {
  Arena arena;
  ResponseHead head;
  head.status = 429;
  head.reason = "Too Many Requests";
  head.headers.add({"retry-after", "3", HeaderId::kOther});
  head.headers.add(HeaderId::kContentType, "text/plain; charset=utf-8");
  tell_by_grpc(head, "slow down\n", arena);
  EXPECT_EQ(head.status, 200);
  std::string fields;
  for (const auto& field : head.headers)
    fields.append(field.name).append(": ").append(field.value).append("\n");
  EXPECT_EQ(fields,
            "retry-after: 3\ncontent-type: application/grpc\ngrpc-status: 14\ngrpc-message: slow down\n");
}

TEST(Grpc, OfALongTextComesTheBeginning) {
  Arena arena;
  ResponseHead head;
  head.status = 503;
  tell_by_grpc(head, std::string(5000, 'a') + "\n", arena);
  EXPECT_EQ(head.headers.find("grpc-message")->value, std::string(1024, 'a'));
}

}  // namespace
}  // namespace headgate::l7
