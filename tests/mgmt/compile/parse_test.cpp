// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/parse.hpp"

#include <ostream>

#include <gmock/gmock.h>

#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/parsed.hpp"

namespace headgate::compile {
namespace {

using db::Kind;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace headgate::compile
