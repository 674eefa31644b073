// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/http_probe.hpp"

#include <gtest/gtest.h>

namespace headgate::node {
namespace {

TEST(HttpProbe, AsksTheBackendByItsNameOrTheChecks) {
  contract::HealthCheck check;
  check.path = "/healthz?deep=1";
  EXPECT_EQ(probe_request(check, "app.internal:8080"),
            "GET /healthz?deep=1 HTTP/1.1\r\nHost: app.internal:8080\r\nUser-Agent: headgate-health\r\n"
            "Connection: close\r\n\r\n");
  check.host = "app.example.com";
  EXPECT_NE(probe_request(check, "10.0.0.1:80").find("Host: app.example.com\r\n"), std::string::npos);
}

struct Case {
  const char* what;
  const char* received;
  bool complete, good;
  const char* reason;
};

TEST(HttpProbe, AnswersAreJudgedByTheirStatusLine) {
  const std::vector<contract::StatusRange> expected{{200, 299}, {404, 404}};
  for (const auto& [what, received, complete, good, reason] :
       std::vector<Case>{{"good", "HTTP/1.1 200 OK\r\n", true, true, ""},
                         {"good of HTTP/1.0", "HTTP/1.0 204 No Content\r\n", true, true, ""},
                         {"no reason phrase", "HTTP/1.1 200\r\n", true, true, ""},
                         {"a range of one", "HTTP/1.1 404 Not Found\r\n", true, true, ""},
                         {"not expected", "HTTP/1.1 503 Busy\r\n", true, false, "status 503"},
                         {"nothing yet", "", false, false, ""},
                         {"cut in the version", "HTT", false, false, ""},
                         {"cut before it is clear that the number ends", "HTTP/1.1 200", false, false, ""},
                         {"another protocol", "SSH-2.0-OpenSSH", true, false, "the answer is not HTTP/1"},
                         {"HTTP/2", "HTTP/2 200 OK\r\n", true, false, "the answer is not HTTP/1"},
                         {"four digits", "HTTP/1.1 2000\r\n", true, false, "the answer is not HTTP/1"},
                         {"letters", "HTTP/1.1 2x0 OK\r\n", true, false, "the answer is not HTTP/1"},
                         {"two spaces", "HTTP/1.1  200 OK\r\n", true, false, "the answer is not HTTP/1"}}) {
    const auto answer = judge_answer(received, expected);
    EXPECT_EQ(answer.complete, complete) << what;
    EXPECT_EQ(answer.good, good) << what;
    EXPECT_EQ(answer.reason, reason) << what;
  }
}

}  // namespace
}  // namespace headgate::node
