// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/check.hpp"

#include <gmock/gmock.h>

#include "tests/mgmt/compile/certificate_bodies.hpp"
#include "tests/mgmt/compile/model_fixture.hpp"

namespace headgate::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// One shard, one listener, namespaces a and b, a pool in each, a route in a.
class Check : public ::testing::Test {
 protected:
  Check() {
    add(global(Kind::kShard, "edge"), "{}");
    add(global(Kind::kShard, "other"), "{}");
    add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge"));
    add(global(Kind::kNamespace, "a"), "{}");
    add(global(Kind::kNamespace, "b"), "{}");
    add(pool_key("a", "p"), pool_body());
    add(pool_key("b", "p"), pool_body());
    add(route_key("a", "r"), route_body("\"web\"", "p", R"(,"hostnames":["a.example.com"])"));
  }
  void add(const db::ObjectKey& key, const std::string& body) { put(model_, key, body); }

  // "object pointer code", with "!" for a conflict.
  std::vector<std::string> problems(const Keys& changed) const {
    std::vector<std::string> lines;
    for (const auto& problem : check(model_, changed))
      lines.push_back((problem.conflict ? "!" : "") + problem.object.to_string() + " " + problem.pointer +
                      " " + problem.code);
    return lines;
  }
  std::vector<std::string> put_and_check(const db::ObjectKey& key, const std::string& body) {
    add(key, body);
    return problems({key});
  }
  std::vector<std::string> remove_and_check(const db::ObjectKey& key) {
    model_.remove(key);
    return problems({key});
  }

  Model model_;
};

TEST_F(Check, WhatFitsHasNoProblem) {
  Keys all;
  for (const auto kind : db::kKinds)
    for (const auto* entry : model_.all(kind)) all.insert(entry->key);
  EXPECT_THAT(problems(all), IsEmpty());
}

TEST_F(Check, MissingReferencesAreNamedEach) {
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), listener_body("192.0.2.9", 80, "gone")),
              ElementsAre("listener x /shard missing_reference"));
  EXPECT_THAT(
      put_and_check(global(Kind::kShard, "x"), R"({"nodes":{"names":["n1","n2"]}})"),
      ElementsAre("shard x /nodes/names/0 missing_reference", "shard x /nodes/names/1 missing_reference"));
  EXPECT_THAT(put_and_check(route_key("a", "x"), route_body("\"web\",\"gone\"", "none")),
              ElementsAre("route a/x /listeners/1 missing_reference",
                          "route a/x /rules/0/forward/0/pool missing_reference"));
  EXPECT_THAT(put_and_check(pool_key("nowhere", "x"), pool_body()),
              ElementsAre("pool nowhere/x  missing_reference"));
}

TEST_F(Check, WhatAPolicyStandsAboveMustBeThereAndStay) {
  EXPECT_THAT(put_and_check(global(Kind::kPolicy, "x"),
                            R"({"targets":{"listeners":["web","gone"]},"cors":{"origins":["*"]}})"),
              ElementsAre("policy x /targets/listeners/1 missing_reference"));
  EXPECT_THAT(
      put_and_check({Kind::kPolicy, "b", "x"}, R"({"targets":{"routes":["r"]},"cors":{"origins":["*"]}})"),
      ElementsAre("policy b/x /targets/routes/0 missing_reference"));
  model_.remove(route_key("a", "r"));
  EXPECT_THAT(remove_and_check(global(Kind::kListener, "web")), ElementsAre("!listener web  in_use"));
  add({Kind::kPolicy, "b", "x"}, R"({"cors":{"origins":["*"]}})");
  model_.remove(pool_key("b", "p"));
  EXPECT_THAT(remove_and_check(global(Kind::kNamespace, "b")), ElementsAre("!namespace b  in_use"));
}

TEST_F(Check, WhatIsUsedCannotGo) {
  EXPECT_THAT(remove_and_check(global(Kind::kShard, "edge")), ElementsAre("!shard edge  in_use"));
  EXPECT_THAT(remove_and_check(pool_key("a", "p")), ElementsAre("!pool a/p  in_use"));
  EXPECT_THAT(remove_and_check(global(Kind::kNamespace, "a")), ElementsAre("!namespace a  in_use"));
  EXPECT_THAT(remove_and_check(global(Kind::kNamespace, "default")),
              ElementsAre("!namespace default  in_use"));
}

TEST_F(Check, WhatGoesWithItsUsersMayGo) {
  model_.remove(route_key("a", "r"));
  model_.remove(pool_key("a", "p"));
  model_.remove(global(Kind::kNamespace, "a"));
  EXPECT_THAT(problems({route_key("a", "r"), pool_key("a", "p"), global(Kind::kNamespace, "a")}), IsEmpty());
}

TEST_F(Check, AnAddressBelongsToOneShardAndItsHostnamesDiffer) {
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), listener_body("192.0.2.1", 80, "other")),
              ElementsAre("!listener x /address address_taken"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), listener_body("192.0.2.1", 80, "edge")),
              ElementsAre("!listener x /hostname hostname_taken"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"),
                            listener_body("192.0.2.1", 80, "edge", R"(,"hostname":"x.example.com")")),
              IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kListener, "x"), listener_body("192.0.2.1", 81, "other")),
              IsEmpty());
}

TEST_F(Check, ListenersOfOneAddressAgreeOnThePROXYProtocol) {
  const auto with = [&](const std::string& more) {
    return put_and_check(global(Kind::kListener, "x"),
                         listener_body("192.0.2.1", 80, "edge", R"(,"hostname":"x.example.com")" + more));
  };
  const std::string speaks = R"(,"proxy_protocol":true,"trusted_proxies":["10.0.0.0/8"])";
  EXPECT_THAT(with(speaks), ElementsAre("!listener x /proxy_protocol proxy_protocol_differs"));
  EXPECT_THAT(with(R"(,"trusted_proxies":["10.0.0.0/8"])"), IsEmpty()) << "headers come after the hostname";
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge", speaks));
  EXPECT_THAT(with(speaks), IsEmpty());
  EXPECT_THAT(with(R"(,"proxy_protocol":true,"trusted_proxies":["10.0.0.1"])"),
              ElementsAre("!listener x /proxy_protocol proxy_protocol_differs"));
}

TEST_F(Check, AListenerChoosesItsNamespaces) {
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"),
                            listener_body("192.0.2.1", 80, "edge", R"(,"namespaces":["b"])")),
              ElementsAre("listener web /namespaces not_allowed"));
  EXPECT_THAT(problems({route_key("a", "r")}), ElementsAre("route a/r /listeners/0 not_allowed"));
  // Both changed at once: said once, on the route.
  EXPECT_THAT(problems({route_key("a", "r"), global(Kind::kListener, "web")}),
              ElementsAre("route a/r /listeners/0 not_allowed"));
}

TEST_F(Check, HostnamesOfRouteAndListenerMustMeet) {
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"),
                            listener_body("192.0.2.1", 80, "edge", R"(,"hostname":"b.com")")),
              ElementsAre("listener web /hostname hostname_mismatch"));
  EXPECT_THAT(problems({route_key("a", "r")}), ElementsAre("route a/r /listeners/0 hostname_mismatch"));
  add(global(Kind::kListener, "web"),
      listener_body("192.0.2.1", 80, "edge", R"(,"hostname":"*.example.com")"));
  EXPECT_THAT(problems({route_key("a", "r"), global(Kind::kListener, "web")}), IsEmpty());
}

TEST_F(Check, ANamespaceClaimsItsHostnames) {
  EXPECT_THAT(put_and_check(global(Kind::kNamespace, "a"), R"({"hostnames":["*.b.com"]})"),
              ElementsAre("namespace a /hostnames not_claimed"));
  EXPECT_THAT(problems({route_key("a", "r")}), ElementsAre("route a/r /hostnames/0 not_claimed"));
  EXPECT_THAT(put_and_check(route_key("a", "r"), route_body("\"web\"", "p")),
              ElementsAre("route a/r /hostnames not_claimed"));
  EXPECT_THAT(
      put_and_check(route_key("a", "r"), route_body("\"web\"", "p", R"(,"hostnames":["x.b.com","c.com"])")),
      ElementsAre("route a/r /hostnames/1 not_claimed"));
}

TEST_F(Check, AnotherNamespacesPoolNeedsAGrant) {
  const auto body = route_body("\"web\"", "b/p");
  EXPECT_THAT(put_and_check(route_key("a", "x"), body),
              ElementsAre("route a/x /rules/0/forward/0/pool not_granted"));
  add(global(Kind::kNamespace, "b"), R"({"grants":[{"namespaces":["a"],"pools":["p"]}]})");
  EXPECT_THAT(problems({route_key("a", "x"), global(Kind::kNamespace, "b")}), IsEmpty());
  EXPECT_THAT(
      put_and_check(global(Kind::kNamespace, "b"), R"({"grants":[{"namespaces":["a"],"pools":["q"]}]})"),
      ElementsAre("namespace b /grants not_granted"));
  EXPECT_THAT(
      put_and_check(global(Kind::kNamespace, "b"), R"({"grants":[{"namespaces":["*"],"pools":["*"]}]})"),
      IsEmpty());
}

TEST_F(Check, AMirrorsPoolMustBeThereAndGrantedAsWell) {
  const auto body = [](const std::string& pool) {
    const auto filters = R"("filters":{"mirror":[{"pool":")" + pool + R"("}]})";
    return R"({"listeners":["web"],"hostnames":["a.com"],"rules":[{"forward":[{"pool":"p",)" + filters +
           "}]," + filters + "}]}";
  };
  const auto of_forward = "route a/x /rules/0/forward/0/filters/mirror/0/pool ";
  const auto of_rule = "route a/x /rules/0/filters/mirror/0/pool ";
  EXPECT_THAT(
      put_and_check(route_key("a", "x"), body("missing")),
      ElementsAre(of_forward + std::string("missing_reference"), of_rule + std::string("missing_reference")));
  EXPECT_THAT(put_and_check(route_key("a", "x"), body("b/p")),
              ElementsAre(of_forward + std::string("not_granted"), of_rule + std::string("not_granted")));
  add(global(Kind::kNamespace, "b"), R"({"grants":[{"namespaces":["a"],"pools":["p"]}]})");
  EXPECT_THAT(put_and_check(route_key("a", "x"), body("b/p")), IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kNamespace, "b"), "{}"),
              ElementsAre("namespace b /grants not_granted"));
}

TEST_F(Check, ANamespaceOfAnotherShardIsReachedOnEveryNodeOfTheListeners) {
  const auto owned = R"({"shard":"other"})";
  EXPECT_THAT(put_and_check(global(Kind::kNamespace, "a"), owned), IsEmpty());
  EXPECT_THAT(problems({route_key("a", "r"), global(Kind::kListener, "web")}), IsEmpty());
  add(global(Kind::kNode, "n1"), "{}");
  EXPECT_THAT(put_and_check(global(Kind::kNamespace, "a"), owned), IsEmpty()) << "both run on every node";
  add(global(Kind::kShard, "other"), R"({"nodes":{"names":[]}})");
  EXPECT_THAT(put_and_check(global(Kind::kNamespace, "a"), owned),
              ElementsAre("namespace a /shard unsupported"));
  EXPECT_THAT(problems({route_key("a", "r")}), ElementsAre("route a/r /listeners/0 unsupported"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge")),
              ElementsAre("listener web /shard unsupported"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "other")),
              IsEmpty());
}

TEST_F(Check, AShardKeepsTheNodesThatItsHopsLeadFromAndTo) {
  for (const auto* node : {"n1", "n2"}) add(global(Kind::kNode, node), "{}");
  add(global(Kind::kNamespace, "a"), R"({"shard":"other"})");
  const auto on = [](const std::string& names) { return R"({"nodes":{"names":[)" + names + "]}}"; };
  EXPECT_THAT(put_and_check(global(Kind::kShard, "other"), on(R"("n1")")),
              ElementsAre("shard other /nodes unsupported"));
  EXPECT_THAT(put_and_check(global(Kind::kShard, "edge"), on(R"("n1")")), IsEmpty());
  EXPECT_THAT(problems({global(Kind::kShard, "other")}), IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kShard, "edge"), on(R"("n1","n2")")),
              ElementsAre("shard edge /nodes unsupported"));
  EXPECT_THAT(put_and_check(global(Kind::kShard, "other"), "{}"), IsEmpty()) << "on every node";
  model_.remove(route_key("a", "r"));
  EXPECT_THAT(put_and_check(global(Kind::kShard, "other"), on(R"("n1")")), IsEmpty()) << "no hop";
}

// A global certificate and one of namespace b; authorities of both; a password.
class CheckTls : public Check {
 protected:
  CheckTls() {
    for (const auto* space : {"", "b"}) {
      add({Kind::kCertificate, space, "c"}, stored_certificate(issued_certificate()));
      add({Kind::kSecret, space, "ca"}, client_ca_body());
    }
    add(global(Kind::kSecret, "pw"), R"({"type":"password","digest":"d"})");
  }
  std::string https(const std::string& certificates, const std::string& ca = "") const {
    const auto auth = ca.empty() ? "" : R"(,"client_auth":{"mode":"require","ca":")" + ca + "\"}";
    return listener_body("192.0.2.1", 443, "edge", https_more(certificates, auth));
  }
};

TEST_F(CheckTls, WhatAListenerNamesMustExistAndFit) {
  const auto web = global(Kind::kListener, "s");
  EXPECT_THAT(put_and_check(web, https(R"("c")", "ca")), IsEmpty());
  EXPECT_THAT(put_and_check(web, https(R"("c","gone","a/c")", "gone")),
              ElementsAre("listener s /tls/certificates/1 missing_reference",
                          "listener s /tls/certificates/2 missing_reference",
                          "listener s /tls/client_auth/ca missing_reference"));
  EXPECT_THAT(put_and_check(web, https(R"("c")", "pw")),
              ElementsAre("listener s /tls/client_auth/ca invalid_value"));
}

TEST_F(CheckTls, ANamespacesCertificateNeedsItsGrant) {
  const auto web = global(Kind::kListener, "s");
  EXPECT_THAT(put_and_check(web, https(R"("b/c")", "b/ca")),
              ElementsAre("listener s /tls/certificates/0 not_granted",
                          "listener s /tls/client_auth/ca not_granted"));
  add(global(Kind::kNamespace, "b"), R"({"grants":[{"certificates":["c"],"secrets":["*"]}]})");
  EXPECT_THAT(problems({web, global(Kind::kNamespace, "b")}), IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kNamespace, "b"), R"({"grants":[{"certificates":["c"]}]})"),
              ElementsAre("namespace b /grants not_granted"));
}

TEST_F(CheckTls, WhatAPoolNamesMustExistFitAndBeGranted) {
  add({Kind::kCertificate, "a", "c"}, stored_certificate(issued_certificate()));
  add({Kind::kSecret, "a", "roots"}, ca_body());
  const auto pool = pool_key("a", "p");
  const auto b = global(Kind::kNamespace, "b");
  EXPECT_THAT(put_and_check(pool, tls_pool_body(R"("ca":"roots","certificate":"c")")), IsEmpty());
  EXPECT_THAT(
      put_and_check(pool, tls_pool_body(R"("ca":"gone","certificate":"gone")")),
      ElementsAre("pool a/p /tls/ca missing_reference", "pool a/p /tls/certificate missing_reference"));
  add({Kind::kSecret, "b", "roots"}, ca_body());
  EXPECT_THAT(put_and_check(pool, tls_pool_body(R"("ca":"b/ca","certificate":"b/c")")),
              ElementsAre("pool a/p /tls/ca not_granted", "pool a/p /tls/ca invalid_value",
                          "pool a/p /tls/certificate not_granted"));
  add(pool, tls_pool_body(R"("ca":"b/roots","certificate":"b/c")"));
  add(b, R"({"grants":[{"namespaces":["x"],"certificates":["*"],"secrets":["*"]}]})");
  EXPECT_THAT(problems({pool}),
              ElementsAre("pool a/p /tls/ca not_granted", "pool a/p /tls/certificate not_granted"));
  add(b, R"({"grants":[{"namespaces":["a"],"certificates":["c"],"secrets":["roots"]}]})");
  EXPECT_THAT(problems({pool, b}), IsEmpty());
  EXPECT_THAT(put_and_check(b, R"({"grants":[{"namespaces":["a"],"certificates":["c"]}]})"),
              ElementsAre("namespace b /grants not_granted"));
}

TEST_F(CheckTls, WhatAPoolUsesStays) {
  add({Kind::kCertificate, "a", "c"}, stored_certificate(issued_certificate()));
  add({Kind::kSecret, "a", "roots"}, ca_body());
  add(pool_key("a", "p"), tls_pool_body(R"("ca":"roots","certificate":"c")"));
  EXPECT_THAT(put_and_check({Kind::kSecret, "a", "roots"}, client_ca_body()),
              ElementsAre("secret a/roots /type in_use"));
  EXPECT_THAT(remove_and_check({Kind::kSecret, "a", "roots"}), ElementsAre("!secret a/roots  in_use"));
  EXPECT_THAT(remove_and_check({Kind::kCertificate, "a", "c"}), ElementsAre("!certificate a/c  in_use"));
}

TEST_F(CheckTls, WhatAListenerUsesStays) {
  add(global(Kind::kListener, "s"), https(R"("c")", "ca"));
  EXPECT_THAT(put_and_check(global(Kind::kSecret, "ca"), R"({"type":"opaque","digest":"d"})"),
              ElementsAre("secret ca /type in_use"));
  EXPECT_THAT(remove_and_check(global(Kind::kSecret, "ca")), ElementsAre("!secret ca  in_use"));
  EXPECT_THAT(remove_and_check(global(Kind::kCertificate, "c")), ElementsAre("!certificate c  in_use"));
  EXPECT_THAT(remove_and_check({Kind::kCertificate, "b", "c"}), IsEmpty());
  EXPECT_THAT(put_and_check({Kind::kCertificate, "nowhere", "c"}, stored_certificate(issued_certificate())),
              ElementsAre("certificate nowhere/c  missing_reference"));
}

// --- listeners that pass TLS through

class CheckPassedTls : public Check {
 protected:
  CheckPassedTls() { add(global(Kind::kListener, "pass"), passing(443)); }
  static std::string passing(int port, const std::string& more = "") {
    return listener_body("192.0.2.1", port, "edge", R"(,"protocol":"tls")" + more);
  }
  std::vector<std::string> with_rules(const std::string& rules, const std::string& listeners = R"("pass")") {
    return put_and_check(route_key("b", "r"),
                         R"({"listeners":[)" + listeners + R"(],"rules":[)" + rules + "]}");
  }
};

TEST_F(CheckPassedTls, ARouteSaysWhitherAndForHowLong) {
  EXPECT_THAT(with_rules(R"({"forward":[{"pool":"p"},{"pool":"p","weight":3}],"timeouts":{"idle":"1h"}})"),
              IsEmpty());
  EXPECT_THAT(with_rules(R"({"matches":[{}],"forward":[{"pool":"p"}]})"), IsEmpty());
}

TEST_F(CheckPassedTls, AllElseWouldNeedWhatIsEncrypted) {
  const std::string pool = R"("forward":[{"pool":"p"}])";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{" + pool + R"(,"name":"x"},{)" + pool + "}", "/rules"},
      {"{" + pool + R"(,"matches":[{"path":{"value":"/a"}}]})", "/rules/0/matches"},
      {"{" + pool + R"(,"filters":{"request_headers":{"remove":["a"]}}})", "/rules/0/filters"},
      {R"({"forward":[{"pool":"p"},{"pool":"p","filters":{"request_headers":{"remove":["a"]}}}]})",
       "/rules/0/forward/1/filters"},
      {"{" + pool + R"(,"timeouts":{"request":"1s"}})", "/rules/0/timeouts/request"},
      {"{" + pool + R"(,"timeouts":{"backend_request":"1s"}})", "/rules/0/timeouts/backend_request"},
      {"{" + pool + R"(,"retry":{}})", "/rules/0/retry"},
      {"{" + pool + R"(,"affinity":{"cookie":{}}})", "/rules/0/affinity"},
  };
  for (const auto& [rules, pointer] : cases)
    EXPECT_THAT(with_rules(rules), ElementsAre("route b/r " + pointer + " unsupported"));
}

TEST_F(CheckPassedTls, AllListenersOfARoutePassItOrNone) {
  EXPECT_THAT(with_rules(R"({"forward":[{"pool":"p"}]})", R"("pass","web")"),
              ElementsAre("route b/r /listeners/1 protocol_mismatch"));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"), passing(80)), IsEmpty());
  EXPECT_THAT(problems({route_key("b", "r")}), IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge")),
              ElementsAre("listener web /protocol protocol_mismatch"));
}

TEST_F(CheckPassedTls, AListenerThatBecomesOneKeepsRoutesThatFit) {
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"), passing(80)), IsEmpty());
  add(global(Kind::kListener, "web"), listener_body("192.0.2.1", 80, "edge"));
  add(route_key("a", "r"), R"({"listeners":["web"],"rules":[{"forward":[{"pool":"p"}],"retry":{}}]})");
  EXPECT_THAT(put_and_check(global(Kind::kListener, "web"), passing(80)),
              ElementsAre("listener web /protocol protocol_mismatch"));
}

TEST_F(CheckPassedTls, ItCrossesToAnotherShardAsRequestsDo) {
  add(global(Kind::kNamespace, "b"), R"({"shard":"other"})");
  EXPECT_THAT(with_rules(R"({"forward":[{"pool":"p"}]})"), IsEmpty());
  EXPECT_THAT(problems({global(Kind::kNamespace, "b")}), IsEmpty());
}

TEST_F(CheckPassedTls, SharesAnAddressWithHttpsAndNotWithHttp) {
  add(global(Kind::kCertificate, "c"), stored_certificate(issued_certificate()));
  EXPECT_THAT(put_and_check(global(Kind::kListener, "ends"),
                            listener_body("192.0.2.1", 443, "edge",
                                          https_more("\"c\"") + R"(,"hostname":"a.example")")),
              IsEmpty());
  EXPECT_THAT(put_and_check(global(Kind::kListener, "plain"),
                            listener_body("192.0.2.1", 443, "edge", R"(,"hostname":"b.example")")),
              ElementsAre("!listener plain /protocol protocol_differs",
                          "!listener plain /protocol protocol_differs"));
}

}  // namespace
}  // namespace headgate::compile
