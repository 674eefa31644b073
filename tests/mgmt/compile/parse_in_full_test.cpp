// SPDX-License-Identifier: Apache-2.0
// What every field of a body becomes, and what is there where nothing is said.
#include <gmock/gmock.h>

#include "dataplane/core/limits.hpp"
#include "mgmt/compile/model.hpp"
#include "mgmt/compile/parse.hpp"
#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/parsed.hpp"

namespace headgate::compile {
namespace {

using db::Kind;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

TEST(Parse, DefaultsAreThoseOfTheDesign) {
  const auto node = parsed<Node>("{}");
  EXPECT_TRUE(node.ingress && node.worker && !node.drain);
  const auto shard = parsed<Shard>("{}");
  EXPECT_FALSE(shard.node_names);
  EXPECT_EQ(shard.replicas_per_node, 1u);
  contract::ShardSettings settings;
  settings.connections_max_per_source = 5000;
  EXPECT_EQ(shard.settings, settings);
  const auto listener = parsed<Listener>(listener_at("192.0.2.1"));
  EXPECT_EQ(listener.protocol, contract::Protocol::kHttp);
  EXPECT_EQ(listener.namespaces, std::vector<std::string>{"*"});
  EXPECT_FALSE(parsed<Namespace>("{}").hostnames);
  EXPECT_THAT(parsed<Namespace>(R"({"hostnames":[]})").hostnames, ::testing::Optional(IsEmpty()));
}

TEST(Parse, ShardInFull) {
  const auto shard = parsed<Shard>(R"({"nodes":{"names":["n1"]},"replicas_per_node":2,"threads_per_replica":3,
    "memory_max_per_replica":"512Mi","connections_max_per_replica":7,
    "limits":{"header_bytes_max":"16Ki","header_count_max":9,"target_bytes_max":"4Ki","body_bytes_max":"1Gi",
      "body_rate_min":1000,
      "http2":{"streams_max":10,"resets_per_second":20,"control_frames_per_second":30}},
    "timeouts":{"handshake":"4s","header":"1s","idle":"2m","body":"3s","connect":"250ms","response":"1h"},
    "access_log":{"to":"stderr","file_bytes_max":"1Mi","files":2,"fields":["status","time","pool"],
                  "request_headers":["X-B","User-Agent"],"response_headers":["content-type"]},
    "tracing":{"endpoint":"http://collector:4318/v1/traces","sample_percent":5,"service_name":"edge"},"labels":{"a":"b"}})");
  EXPECT_EQ(shard.memory_max_bytes_per_replica, 512u << 20);
  EXPECT_EQ(shard.settings.header_bytes_max, 16u << 10);
  EXPECT_EQ(shard.settings.body_bytes_max, 1u << 30);
  EXPECT_EQ(shard.settings.body_rate_min, 1000u);
  EXPECT_EQ(shard.settings.http2, (contract::Http2Limits{10, 20, 30}));
  EXPECT_EQ(shard.settings.handshake_timeout, contract::Millis(4'000));
  EXPECT_EQ(shard.settings.idle_timeout, contract::Millis(120'000));
  EXPECT_EQ(shard.settings.connect_timeout, contract::Millis(250));
  EXPECT_EQ(shard.settings.access_log, contract::AccessLog::kStderr);
  EXPECT_EQ(shard.settings.access_log_files, 2u);
  EXPECT_EQ(shard.settings.access_log_fields,
            (std::vector{contract::LogField::kTime, contract::LogField::kStatus, contract::LogField::kPool}));
  EXPECT_EQ(shard.settings.access_log_request_headers, (std::vector<std::string>{"user-agent", "x-b"}));
  EXPECT_EQ(shard.settings.access_log_response_headers, (std::vector<std::string>{"content-type"}));
  const contract::Tracing tracing{"http://collector:4318/v1/traces", 5, "edge"};
  EXPECT_EQ(shard.settings.tracing, contract::Boxed(tracing));
}

TEST(Parse, RouteInFull) {
  const auto route = parsed<Route>(R"({"listeners":["web"],"hostnames":["App.Example.com","*.x.org"],"rules":[
    {"name":"all","matches":[{"path":{"type":"exact","value":"/a"},"method":"GET","headers":[{"name":"X-Y","value":"y"}]}],
     "forward":[{"pool":"app","weight":3},{"pool":"b/other"}],"timeouts":{"request":"30s","backend_request":"10s"}},
    {"forward":[{"pool":"app"}]}]})");
  EXPECT_EQ(route.hostnames, (std::vector<std::string>{"app.example.com", "*.x.org"}));
  ASSERT_EQ(route.rules.size(), 2u);
  const auto& rule = route.rules[0];
  EXPECT_EQ(rule.matches[0].headers[0].name, "x-y");
  EXPECT_EQ(rule.forward[0].namespace_name, "default");
  EXPECT_EQ(rule.forward[0].weight, 3u);
  EXPECT_EQ(rule.forward[1].namespace_name, "b");
  EXPECT_EQ(rule.request_timeout, contract::Millis(30'000));
  EXPECT_EQ(route.rules[1].matches, std::vector<contract::RouteMatch>{contract::RouteMatch{}});
}

TEST(Parse, PathsThatARequestMayHave) {
  std::string deepest;
  for (std::size_t i = 0; i < limits::kRoutePathElementsMax; ++i) deepest += "/a";
  for (const auto& path :
       {std::string("/a%20b"), std::string("/a%2Fb"), std::string("/a;x"), deepest, deepest + "/"})
    parsed<Route>(R"({"listeners":["l"],"rules":[{"matches":[{"path":{"value":")" + path +
                  R"("}}],"forward":[{"pool":"p"}]}]})");
}

TEST(Parse, PoolInFull) {
  const auto pool = parsed<Pool>(R"({"backends":[{"address":"2001:DB8::1","port":80,"weight":0,"drain":true},
    {"address":"App.Internal","port":8080}],"algorithm":"least_requests","when_all_down":"try_all",
    "protocol":"h2c",
    "health":{"type":"http","interval":"5s","timeout":"2s","rise":1,"fall":9,"path":"/up?x=1","host":"a.com",
              "expected":["200-204","301"]}})");
  EXPECT_EQ(pool.backends[0].host, "2001:db8::1");
  EXPECT_EQ(pool.backends[1].host, "app.internal");
  EXPECT_EQ(pool.health->expected, (std::vector<contract::StatusRange>{{200, 204}, {301, 301}}));
  EXPECT_EQ(pool.when_all_down, contract::WhenAllDown::kTryAll);
  EXPECT_EQ(pool.protocol, contract::PoolProtocol::kH2c);
}

TEST(Parse, ADatagramIsSaidAsTextOrInBase64) {
  const auto check = [](const std::string& members) {
    return *parsed<Pool>(R"({"tls":{},"health":{"type":"udp",)" + members + "}}").health;
  };
  EXPECT_EQ(check(R"("request":"zw\u00f6lf\n")").request.value, "zw\xc3\xb6lf\n");
  EXPECT_EQ(check(R"("request_base64":"AP8K","response_base64":"gQA=")").request.value,
            std::string("\0\xff\n", 3));
  EXPECT_EQ(check(R"("request_base64":"AP8K","response_base64":"gQA=")").response.value,
            std::string("\x81\0", 2));
  EXPECT_EQ(check(R"("request":"","response":"ok")").response.value, "ok");
  EXPECT_EQ(check(R"("request":"")"),
            (contract::HealthCheck{.type = contract::HealthCheckType::kUdp, .host = {}}));
  EXPECT_EQ(parsed<Pool>(R"({"health":{"type":"icmp","interval":"200ms"}})").health,
            (contract::HealthCheck{
                .type = contract::HealthCheckType::kIcmp, .interval = contract::Millis(200), .host = {}}));
}

TEST(Parse, UpstreamOfARuleInFull) {
  const auto route = parsed<Route>(R"({"listeners":["web"],"rules":[{"forward":[{"pool":"app"}],
    "timeouts":{"idle":"5m"},
    "retry":{"attempts":3,"on":["reset","5xx","429","reset"],"backoff":{"base":"10ms","max":"1s"}},
    "affinity":{"cookie":{"name":"stay","path":"/app","ttl":"1h","same_site":"strict","secure":true}}},
    {"forward":[{"pool":"app"}],"retry":{}}]})");
  const auto& rule = route.rules[0];
  EXPECT_EQ(rule.idle_timeout, contract::Millis(300'000));
  EXPECT_EQ(rule.retry, (contract::Retry{.attempts = 3,
                                         .on = {contract::RetryOn::kReset},
                                         .statuses = {{500, 599}, {429, 429}},
                                         .backoff_base = contract::Millis(10),
                                         .backoff_max = contract::Millis(1'000)}));
  EXPECT_EQ(rule.affinity, (contract::CookieAffinity{.name = "stay",
                                                     .path = "/app",
                                                     .ttl = contract::Millis(3'600'000),
                                                     .same_site = contract::SameSite::kStrict,
                                                     .http_only = true,
                                                     .secure = true}));
  ASSERT_TRUE(route.rules[1].retry);
  EXPECT_EQ(route.rules[1].retry->attempts, 1u);
  EXPECT_EQ(route.rules[1].retry->on.size(), 3u);
  EXPECT_EQ(route.rules[1].retry->statuses, (std::vector<contract::StatusRange>{{502, 504}}));
}

TEST(Parse, UpstreamOfAPoolInFull) {
  const auto pool = parsed<Pool>(R"({"backends":[{"address":"10.0.0.1","port":80,"priority":2}],
    "algorithm":"maglev","hash":{"source":"header","name":"X-User"},"failover_percent":70,
    "outlier":{"consecutive_5xx":9,"base_ejection_time":"1s","ejected_percent_max":50},
    "circuit_breaker":{"connections_max":100,"pending_max":10,"pending_timeout":"1s","requests_max":200,
                       "requests_per_connection_max":1000},
    "retry_budget":{"percent":10,"retries_min":1},"connect_timeout":"500ms","idle_timeout":"10s"})");
  EXPECT_EQ(pool.backends[0].priority, 2u);
  EXPECT_EQ(pool.hash, (contract::HashKey{contract::HashSource::kHeader, "x-user"}));
  EXPECT_EQ(pool.failover_percent, 70u);
  ASSERT_TRUE(pool.outlier);
  EXPECT_EQ(pool.outlier->consecutive_5xx, 9u);
  EXPECT_EQ(pool.outlier->consecutive_connect_failures, contract::Outlier{}.consecutive_connect_failures);
  EXPECT_EQ(pool.outlier->ejected_percent_max, 50u);
  EXPECT_EQ(pool.circuit_breaker, (contract::CircuitBreaker{100, 10, 200, 1'000, contract::Millis(1'000)}));
  EXPECT_EQ(pool.retry_budget, (contract::RetryBudget{10, 1}));
  EXPECT_EQ(pool.connect_timeout, contract::Millis(500));
  EXPECT_EQ(pool.idle_timeout, contract::Millis(10'000));
  EXPECT_EQ(parsed<Pool>(R"({"slow_start":"30s"})").slow_start, contract::Millis(30'000));
  EXPECT_EQ(parsed<Pool>(R"({"drain_timeout":"5m"})").drain_timeout, contract::Millis(300'000));
}

TEST(Parse, NamesAreThoseOfTheDesign) {
  for (const auto* good : {"a", "0", "a-b", "n1"}) EXPECT_TRUE(is_valid_name(good)) << good;
  EXPECT_TRUE(is_valid_name(std::string(63, 'a')));
  for (const auto* bad : {"", "-", "a-", "-a", "A", "a.b", "a/b", "ä", "a b"})
    EXPECT_FALSE(is_valid_name(bad)) << bad;
  EXPECT_FALSE(is_valid_name(std::string(64, 'a')));
}

TEST(Parse, NoFaultShowsWhatIsWriteOnly) {
  for (const auto& [kind, body] : std::vector<std::pair<Kind, std::string>>{
           {Kind::kCertificate, certificate_body({issued_certificate(0).certificate, "swordfish"})},
           {Kind::kCertificate, R"({"certificate":"swordfish","private_key":"swordfish"})"},
           {Kind::kSecret, R"({"type":"jwks","data":"swordfish"})"},
           {Kind::kSecret, R"({"type":"client_ca","data":"swordfish"})"}}) {
    const auto result = parse_resource(key_of(kind), body);
    ASSERT_FALSE(result.problems.empty());
    for (const auto& problem : result.problems)
      EXPECT_EQ(problem.detail.find("swordfish"), std::string::npos) << problem.detail;
  }
}

TEST(Parse, TlsOfAListener) {
  const auto listener = parsed<Listener>(listener_with(
      R"("protocol":"https","tls":{"certificates":["a","n/b"],"min_version":"1.3","client_auth":{"mode":"optional","ca":"n/ca","forward_certificate":true}})"));
  ASSERT_TRUE(listener.tls);
  EXPECT_EQ(listener.tls->certificates, (std::vector<ObjectRef>{{"", "a"}, {"n", "b"}}));
  EXPECT_EQ(listener.tls->min_version, contract::TlsVersion::kTls13);
  EXPECT_EQ(listener.tls->client_auth, contract::ClientAuth::kOptional);
  EXPECT_EQ(listener.tls->client_ca, (ObjectRef{"n", "ca"}));
  EXPECT_TRUE(listener.tls->forward_certificate);
}

TEST(Parse, TlsOfAPool) {
  const auto pool = parsed<Pool>(R"({"protocol":"h2","health":{"type":"https"},
    "tls":{"server_name":"App.Internal","subject_alt_names":["spiffe://Mesh/App","B.internal","2001:DB8::1"],
           "ca":"roots","certificate":"n/c","min_version":"1.3"}})");
  ASSERT_TRUE(pool.tls);
  EXPECT_EQ(pool.protocol, contract::PoolProtocol::kH2);
  EXPECT_EQ(pool.health->type, contract::HealthCheckType::kHttps);
  EXPECT_EQ(pool.tls->mode, contract::PoolTlsMode::kVerify);
  EXPECT_EQ(pool.tls->server_name, "app.internal");
  EXPECT_EQ(pool.tls->subject_alt_names,
            (std::vector<std::string>{"spiffe://Mesh/App", "b.internal", "2001:db8::1"}));
  EXPECT_EQ(pool.tls->ca, (ObjectRef{"default", "roots"}));
  EXPECT_EQ(pool.tls->certificate, (ObjectRef{"n", "c"}));
  EXPECT_EQ(pool.tls->min_version, contract::TlsVersion::kTls13);
  EXPECT_EQ(pool.tls->max_version, contract::TlsVersion::kTls13);
  EXPECT_FALSE(parsed<Pool>("{}").tls);
  EXPECT_FALSE(parsed<Pool>(R"({"tls":{}})").tls->ca) << "the system's";
}

TEST(Parse, TheProxyProtocolOfAPool) {
  EXPECT_EQ(parsed<Pool>(R"({"proxy_protocol":"v1"})").proxy_protocol, contract::ProxyVersion::kV1);
  EXPECT_EQ(parsed<Pool>(R"({"proxy_protocol":"v2"})").proxy_protocol, contract::ProxyVersion::kV2);
  EXPECT_FALSE(parsed<Pool>("{}").proxy_protocol);
}

TEST(Parse, ACertificateHasItsKeysDigestOnly) {
  const auto& issued = issued_certificate();
  const auto certificate = parsed<Certificate>(certificate_body(issued));
  EXPECT_EQ(certificate.chain, issued.certificate);
  EXPECT_EQ(certificate.key_digest, tls::sha256_hex(issued.key));
}

}  // namespace
}  // namespace headgate::compile
