// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/parse.hpp"

#include <ostream>

#include <gmock/gmock.h>

#include "mgmt/compile/model.hpp"
#include "tests/mgmt/compile/certificate_bodies.hpp"

namespace headgate::compile {
namespace {

using db::Kind;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

db::ObjectKey key_of(Kind kind) { return {kind, db::in_namespace(kind) ? "default" : "", "x"}; }

template <typename T>
T parsed(std::string_view body) {
  const auto kind = static_cast<Kind>(Resource(T{}).index());
  auto result = parse_resource(key_of(kind), body);
  for (const auto& problem : result.problems) ADD_FAILURE() << problem.pointer << ": " << problem.detail;
  return result.resource ? std::get<T>(*result.resource) : T{};
}

struct Fault {
  std::string description;
  Kind kind;
  std::string body;
  std::vector<std::string> expected;  // "pointer code"

  friend void PrintTo(const Fault& fault, std::ostream* stream) { *stream << fault.description; }
};

class ParseFaults : public ::testing::TestWithParam<Fault> {};

TEST_P(ParseFaults, AreAllReportedWhereTheyAre) {
  const auto result = parse_resource(key_of(GetParam().kind), GetParam().body);
  std::vector<std::string> found;
  for (const auto& problem : result.problems) {
    found.push_back(problem.pointer + " " + problem.code);
    EXPECT_FALSE(problem.detail.empty());
  }
  EXPECT_THAT(found, ElementsAreArray(GetParam().expected));
  EXPECT_FALSE(result.resource);
}

constexpr auto kListenerRest = R"("port":80,"shard":"edge")";
std::string listener_at(const std::string& address) {
  return R"({"address":")" + address + "\"," + kListenerRest + "}";
}
std::string listener_with(const std::string& more) {
  return R"({"address":"192.0.2.1",)" + std::string(kListenerRest) + "," + more + "}";
}
std::string route_with_path(const std::string& path) {
  return R"({"listeners":["l"],"rules":[{"matches":[{"path":{"value":")" + path +
         R"("}}],"forward":[{"pool":"p"}]}]})";
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, ParseFaults,
    ::testing::Values(
        Fault{"not JSON", Kind::kNode, "{", {" invalid_json"}},
        Fault{"no object", Kind::kNode, "[]", {" wrong_type"}},
        Fault{"a typo", Kind::kNode, R"({"drian":true})", {"/drian unknown_field"}},
        Fault{"a pointer that needs escaping", Kind::kNode, R"({"a/b~c":1})", {"/a~1b~0c unknown_field"}},
        Fault{"every error at once",
              Kind::kNode,
              R"({"roles":["x",1],"labels":{"k":1,"a b":"v"},"drain":"yes"})",
              {"/roles/0 invalid_value", "/roles/1 wrong_type", "/labels/a b invalid_value",
               "/labels/k wrong_type", "/drain wrong_type"}},
        Fault{"names and labels",
              Kind::kShard,
              R"({"nodes":{"names":["n1"],"labels":{}}})",
              {"/nodes/labels invalid_value"}},
        Fault{"numbers out of range",
              Kind::kShard,
              R"({"replicas_per_node":0,"threads_per_replica":65,"connections_max_per_replica":-1})",
              {"/replicas_per_node out_of_range", "/threads_per_replica out_of_range",
               "/connections_max_per_replica out_of_range"}},
        Fault{"a fraction", Kind::kShard, R"({"replicas_per_node":1.5})", {"/replicas_per_node wrong_type"}},
        Fault{
            "sizes and durations",
            Kind::kShard,
            R"({"memory_max_per_replica":"1Mi","limits":{"header_bytes_max":"12kB"},"timeouts":{"idle":"10"}})",
            {"/limits/header_bytes_max invalid_value", "/timeouts/idle invalid_value",
             "/memory_max_per_replica out_of_range"}},
        Fault{"an unknown field below",
              Kind::kShard,
              R"({"timeouts":{"iddle":"10s"}})",
              {"/timeouts/iddle unknown_field"}},
        Fault{"nothing of a listener",
              Kind::kListener,
              "{}",
              {"/address missing_field", "/port missing_field", "/shard missing_field"}},
        Fault{"no address", Kind::kListener, listener_at("www"), {"/address invalid_value"}},
        Fault{"unspecified", Kind::kListener, listener_at("0.0.0.0"), {"/address invalid_value"}},
        Fault{"unspecified v6", Kind::kListener, listener_at("::"), {"/address invalid_value"}},
        Fault{"multicast", Kind::kListener, listener_at("224.0.0.1"), {"/address invalid_value"}},
        Fault{"multicast v6", Kind::kListener, listener_at("ff02::1"), {"/address invalid_value"}},
        Fault{"broadcast", Kind::kListener, listener_at("255.255.255.255"), {"/address invalid_value"}},
        Fault{"link-local", Kind::kListener, listener_at("169.254.1.1"), {"/address invalid_value"}},
        Fault{"link-local v6", Kind::kListener, listener_at("fe80::1"), {"/address invalid_value"}},
        Fault{"mapped", Kind::kListener, listener_at("::ffff:192.0.2.1"), {"/address invalid_value"}},
        Fault{"the replicas' own", Kind::kListener, listener_at("198.19.255.1"), {"/address invalid_value"}},
        Fault{"the replicas' own v6",
              Kind::kListener,
              listener_at("fd68:6764:7465::1"),
              {"/address invalid_value"}},
        Fault{"what later releases serve",
              Kind::kListener,
              R"({"address":"192.0.2.1","port":443,"protocol":"tcp","forwarding":"dsr","shard":"edge"})",
              {"/protocol unsupported", "/forwarding unsupported"}},
        Fault{"TLS that passes through with what needs it to end",
              Kind::kListener,
              listener_with(R"("protocol":"tls","tls":{"certificates":["a"]},"escaped_slash":"keep")"),
              {"/tls invalid_value", "/escaped_slash invalid_value"}},
        Fault{"https without certificates",
              Kind::kListener,
              listener_with(R"("protocol":"https")"),
              {"/tls missing_field"}},
        Fault{"http with certificates",
              Kind::kListener,
              listener_with(R"("tls":{"certificates":["c"]})"),
              {"/tls invalid_value"}},
        Fault{"no certificate",
              Kind::kListener,
              listener_with(R"("protocol":"https","tls":{"certificates":[]})"),
              {"/tls/certificates out_of_range"}},
        Fault{
            "certificates that can't be",
            Kind::kListener,
            listener_with(
                R"("protocol":"https","tls":{"certificates":["a","a","/b","b/","x/y/z","b/a"],"min_version":"1.1"})"),
            {"/tls/certificates/1 duplicate", "/tls/certificates/2 invalid_name",
             "/tls/certificates/3 invalid_name", "/tls/certificates/4 invalid_name",
             "/tls/min_version invalid_value"}},
        Fault{"clients that nobody vouches for",
              Kind::kListener,
              listener_with(
                  R"("protocol":"https","tls":{"certificates":["a"],"client_auth":{"mode":"require"}})"),
              {"/tls/client_auth/ca missing_field"}},
        Fault{"a certificate that is none",
              Kind::kCertificate,
              R"({"certificate":"PEM","private_key":"x","key":"y"})",
              {"/certificate invalid_value", "/key unknown_field"}},
        Fault{"a certificate without one", Kind::kCertificate, "{}", {"/certificate missing_field"}},
        Fault{"another's key",
              Kind::kCertificate,
              certificate_body({issued_certificate(0).certificate, issued_certificate(1).key}),
              {"/private_key invalid_value"}},
        Fault{"a key that is none",
              Kind::kCertificate,
              certificate_body({issued_certificate(0).certificate, "swordfish"}),
              {"/private_key invalid_value"}},
        Fault{
            "TLS to backends that can't be",
            Kind::kPool,
            R"({"tls":{"mode":"mesh","server_name":"a_b.example","subject_alt_names":["*.x","a b","spiffe://x/ y"],
                         "ca":"x/y/z","certificate":"/c","min_version":"1.3","max_version":"1.2","sni":"a"}})",
            {"/tls/mode invalid_value", "/tls/server_name invalid_value",
             "/tls/subject_alt_names/0 invalid_value", "/tls/subject_alt_names/1 invalid_value",
             "/tls/subject_alt_names/2 invalid_value", "/tls/ca invalid_name",
             "/tls/certificate invalid_name", "/tls/max_version out_of_range", "/tls/sni unknown_field"}},
        Fault{"what is not verified has no names and authorities",
              Kind::kPool,
              R"({"tls":{"mode":"insecure","subject_alt_names":["a.example"],"ca":"ca"}})",
              {"/tls/subject_alt_names invalid_value", "/tls/ca invalid_value"}},
        Fault{"h2c over TLS", Kind::kPool, R"({"protocol":"h2c","tls":{}})", {"/protocol invalid_value"}},
        Fault{"a PROXY protocol that is none",
              Kind::kPool,
              R"({"proxy_protocol":"v3"})",
              {"/proxy_protocol invalid_value"}},
        Fault{"h2 without TLS", Kind::kPool, R"({"protocol":"h2"})", {"/tls missing_field"}},
        Fault{"a plain check of TLS",
              Kind::kPool,
              R"({"health":{"type":"http"},"tls":{}})",
              {"/health/type invalid_value"}},
        Fault{"a TLS check of none",
              Kind::kPool,
              R"({"health":{"type":"https"}})",
              {"/health/type invalid_value"}},
        Fault{"a secret of no type", Kind::kSecret, R"({"data":"x"})", {"/type missing_field"}},
        Fault{"authorities that are none",
              Kind::kSecret,
              R"({"type":"client_ca","data":"x"})",
              {"/data invalid_value"}},
        Fault{"no authorities", Kind::kSecret, R"({"type":"client_ca"})", {"/data missing_field"}},
        Fault{"nothing of a policy", Kind::kPolicy, "{}", {"/targets missing_field", " missing_field"}},
        Fault{"a policy above nothing",
              Kind::kPolicy,
              R"({"targets":{"listeners":[]},"mode":"must","cors":{"origins":["*"]}})",
              {"/targets missing_field", "/mode invalid_value"}},
        Fault{"a global policy above a route, twice above a shard",
              Kind::kPolicy,
              R"({"targets":{"shards":["edge","edge","E"],"routes":["app"]},"cors":{"origins":["*"]}})",
              {"/targets/shards/1 duplicate", "/targets/shards/2 invalid_name",
               "/targets/routes unknown_field"}},
        Fault{"a policy above things of two kinds",
              Kind::kPolicy,
              R"({"targets":{"shards":["edge"],"listeners":["web"]},"cors":{"origins":["*"]}})",
              {"/targets invalid_value"}},
        Fault{
            "a compression that can't be",
            Kind::kPolicy,
            R"({"targets":{"shards":["edge"]},"compression":{"codings":["gzip","gzip","lzw"],"types":["html","*/*","text/*","a/b;c"]}})",
            {"/compression/codings/1 duplicate", "/compression/codings/2 invalid_value",
             "/compression/types/0 invalid_value", "/compression/types/1 invalid_value",
             "/compression/types/3 invalid_value"}},
        Fault{"no coding to compress with",
              Kind::kPolicy,
              R"({"targets":{"shards":["edge"]},"compression":{"codings":[]}})",
              {"/compression/codings out_of_range"}},
        Fault{"what a policy can't do",
              Kind::kPolicy,
              R"({"targets":{"shards":["edge"]},"rewrite":{},"request_headers":{"remove":["host"]}})",
              {"/request_headers/remove/0 not_allowed", "/rewrite unknown_field"}},
        Fault{"a key set that is none",
              Kind::kSecret,
              R"({"type":"jwks","data":"{\"key\":[]}"})",
              {"/data invalid_value"}},
        Fault{
            "host bits in a prefix",
            Kind::kListener,
            R"({"address":"192.0.2.1","port":80,"shard":"edge","trusted_proxies":["10.0.0.0/8","10.0.0.1/8"]})",
            {"/trusted_proxies/1 invalid_value"}},
        Fault{"nobody who speaks the PROXY protocol",
              Kind::kListener,
              R"({"address":"192.0.2.1","port":80,"shard":"edge","proxy_protocol":true})",
              {"/trusted_proxies missing_field"}},
        Fault{"hostnames",
              Kind::kNamespace,
              R"({"hostnames":["*.example.com","*","a..b","10.0.0.1","a_b.com"]})",
              {"/hostnames/1 invalid_value", "/hostnames/2 invalid_value", "/hostnames/3 invalid_value",
               "/hostnames/4 invalid_value"}},
        Fault{"half a grant",
              Kind::kNamespace,
              R"({"grants":[{"pools":["*"]}]})",
              {"/grants/0/namespaces missing_field"}},
        Fault{"the other half of a grant",
              Kind::kNamespace,
              R"({"grants":[{"namespaces":["*"]},{}]})",
              {"/grants/0/pools missing_field", "/grants/1/namespaces missing_field"}},
        Fault{"nothing of a route", Kind::kRoute, "{}", {"/listeners missing_field", "/rules missing_field"}},
        Fault{
            "twice the same",
            Kind::kRoute,
            R"({"listeners":["l","l"],"hostnames":["a.com","A.com"],"rules":[{"name":"r","forward":[{"pool":"p"}]},
                  {"name":"r","forward":[{"pool":"p"}]}]})",
            {"/listeners/1 duplicate", "/hostnames/1 duplicate", "/rules/1/name duplicate"}},
        Fault{"a rule that forwards nowhere",
              Kind::kRoute,
              R"({"listeners":["l"],"rules":[{},{"forward":[]}]})",
              {"/rules/0/forward missing_field", "/rules/1/forward out_of_range"}},
        Fault{
            "pool references",
            Kind::kRoute,
            R"({"listeners":["l"],"rules":[{"forward":[{"pool":"a/b/c"},{"pool":"/b"},{"weight":1000001}]}]})",
            {"/rules/0/forward/0/pool invalid_name", "/rules/0/forward/1/pool invalid_name",
             "/rules/0/forward/2/pool missing_field", "/rules/0/forward/2/weight out_of_range"}},
        Fault{"one try longer than the request",
              Kind::kRoute,
              R"({"listeners":["l"],"rules":[{"forward":[{"pool":"p"}],
                  "timeouts":{"request":"1s","backend_request":"2s"}}]})",
              {"/rules/0/timeouts/backend_request out_of_range"}},
        Fault{"method and headers",
              Kind::kRoute,
              R"({"listeners":["l"],"rules":[{"forward":[{"pool":"p"}],"matches":[{"method":"G ET",
                  "headers":[{"name":"x:","value":"a\r\nb"},{"name":"y"}]}]}]})",
              {"/rules/0/matches/0/method invalid_value", "/rules/0/matches/0/headers/0/name invalid_value",
               "/rules/0/matches/0/headers/0/value invalid_value",
               "/rules/0/matches/0/headers/1/value missing_field"}},
        Fault{
            "expressions",
            Kind::kRoute,
            R"({"listeners":["l"],"rules":[{"forward":[{"pool":"p"}],"matches":[{
                  "path":{"type":"regex","value":"/("},"headers":[{"name":"x","value":"[","type":"regex"}],
                  "query":[{"name":"q","value":"*","type":"regex"},{"name":"","value":"1"},{"value":"x","type":"glob"}]},
                  {"path":{"type":"regex","value":"((a{1,100}){1,100}){1,100}"}}]}]})",
            {"/rules/0/matches/0/path/value invalid_value",
             "/rules/0/matches/0/headers/0/value invalid_value",
             "/rules/0/matches/0/query/0/value invalid_value",
             "/rules/0/matches/0/query/1/name invalid_value", "/rules/0/matches/0/query/2/name missing_field",
             "/rules/0/matches/0/query/2/type invalid_value", "/rules/0/matches/1/path/value invalid_value"}},
        Fault{"a path without slash",
              Kind::kRoute,
              route_with_path("a"),
              {"/rules/0/matches/0/path/value invalid_value"}},
        Fault{"a path with dots",
              Kind::kRoute,
              route_with_path("/a/../b"),
              {"/rules/0/matches/0/path/value invalid_value"}},
        Fault{"a path with a query",
              Kind::kRoute,
              route_with_path("/a?b"),
              {"/rules/0/matches/0/path/value invalid_value"}},
        Fault{
            "backends",
            Kind::kPool,
            R"({"backends":[{"address":"10.0.0.1","port":80},{"address":"10.0.0.1","port":80},{"address":"-","port":0},
                  {"address":"::"},{"address":"10.0.0.256","port":1}]})",
            {"/backends/1/address duplicate", "/backends/2/address invalid_value",
             "/backends/2/port out_of_range", "/backends/3/port missing_field",
             "/backends/3/address invalid_value", "/backends/4/address invalid_value"}},
        Fault{
            "a health check",
            Kind::kPool,
            R"({"health":{"type":"icmp","interval":"1ms","rise":0,"path":"x","expected":["299-200","42",""]}})",
            {"/health/type invalid_value", "/health/interval out_of_range", "/health/rise out_of_range",
             "/health/path invalid_value", "/health/expected/0 invalid_value",
             "/health/expected/1 invalid_value", "/health/expected/2 invalid_value",
             "/health/expected out_of_range"}},
        Fault{"balancing",
              Kind::kPool,
              R"({"algorithm":"maglev","hash":{"source":"header"},"slow_start":"30s","failover_percent":101,
                  "backends":[{"address":"10.0.0.1","port":80,"priority":16}]})",
              {"/backends/0/priority out_of_range", "/hash/name missing_field", "/slow_start unsupported",
               "/failover_percent out_of_range"}},
        Fault{"a key that nobody hashes",
              Kind::kPool,
              R"({"hash":{"source":"path","name":"x"}})",
              {"/hash/name invalid_value", "/hash unsupported"}},
        Fault{"the name of a key",
              Kind::kPool,
              R"({"algorithm":"maglev","hash":{"source":"cookie","name":"a b"}})",
              {"/hash/name invalid_value"}},
        Fault{
            "limits of a pool",
            Kind::kPool,
            R"({"outlier":{"base_ejection_time":"60s","ejection_time_max":"30s","ejected_percent_max":101,"x":1},
                  "circuit_breaker":{"connections_max":-1,"pending_max":0,"pending_timeout":"0ms"},
                  "retry_budget":{"percent":101},"connect_timeout":"0s","idle_timeout":5})",
            {"/outlier/ejected_percent_max out_of_range", "/outlier/ejection_time_max out_of_range",
             "/outlier/x unknown_field", "/circuit_breaker/connections_max out_of_range",
             "/circuit_breaker/pending_max out_of_range", "/circuit_breaker/pending_timeout out_of_range",
             "/retry_budget/percent out_of_range", "/connect_timeout out_of_range",
             "/idle_timeout wrong_type"}},
        Fault{"a retry",
              Kind::kRoute,
              R"({"listeners":["l"],"rules":[{"forward":[{"pool":"p"}],"retry":{"attempts":0,
                  "on":["reset","sometimes","200","503-500"],"backoff":{"base":"1s","max":"10ms"}}}]})",
              {"/rules/0/retry/attempts out_of_range", "/rules/0/retry/on/1 invalid_value",
               "/rules/0/retry/on/2 invalid_value", "/rules/0/retry/on/3 invalid_value",
               "/rules/0/retry/backoff/max out_of_range"}},
        Fault{"an affinity",
              Kind::kRoute,
              R"({"listeners":["l"],"rules":[{"forward":[{"pool":"p"}],"affinity":{}},
                  {"forward":[{"pool":"p"}],"affinity":{"cookie":{"name":"a;b","path":"/;Domain=x","ttl":"1ms",
                   "same_site":"none"}}}]})",
              {"/rules/0/affinity/cookie missing_field", "/rules/1/affinity/cookie/name invalid_value",
               "/rules/1/affinity/cookie/path invalid_value", "/rules/1/affinity/cookie/ttl out_of_range",
               "/rules/1/affinity/cookie/same_site invalid_value"}}),
    [](const ::testing::TestParamInfo<Fault>& fault) {
      std::string name = fault.param.description;
      for (auto& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      return name;
    });

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
    "limits":{"header_bytes_max":"16Ki","header_count_max":9,"target_bytes_max":"4Ki","body_bytes_max":"1Gi"},
    "timeouts":{"header":"1s","idle":"2m","body":"3s","connect":"250ms","response":"1h"},
    "access_log":{"to":"stderr","file_bytes_max":"1Mi","files":2},"labels":{"a":"b"}})");
  EXPECT_EQ(shard.memory_max_bytes_per_replica, 512u << 20);
  EXPECT_EQ(shard.settings.header_bytes_max, 16u << 10);
  EXPECT_EQ(shard.settings.body_bytes_max, 1u << 30);
  EXPECT_EQ(shard.settings.idle_timeout, contract::Millis(120'000));
  EXPECT_EQ(shard.settings.connect_timeout, contract::Millis(250));
  EXPECT_EQ(shard.settings.access_log, contract::AccessLog::kStderr);
  EXPECT_EQ(shard.settings.access_log_files, 2u);
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
      R"("protocol":"https","tls":{"certificates":["a","n/b"],"min_version":"1.3","client_auth":{"mode":"optional","ca":"n/ca"}})"));
  ASSERT_TRUE(listener.tls);
  EXPECT_EQ(listener.tls->certificates, (std::vector<ObjectRef>{{"", "a"}, {"n", "b"}}));
  EXPECT_EQ(listener.tls->min_version, contract::TlsVersion::kTls13);
  EXPECT_EQ(listener.tls->client_auth, contract::ClientAuth::kOptional);
  EXPECT_EQ(listener.tls->client_ca, (ObjectRef{"n", "ca"}));
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
