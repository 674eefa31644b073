// SPDX-License-Identifier: Apache-2.0
// Certificates and secrets over the whole API: what is write-only never comes back, and what is stored goes
// to the nodes that need it and to nobody else.
#include <fstream>

#include "dataplane/contract/codec.hpp"
#include "dataplane/tls/digest.hpp"
#include "mgmt/handlers/certificate_status.hpp"
#include "tests/mgmt/handlers/api_fixture.hpp"
#include "tests/support/test_certificates.hpp"

namespace headgate::handlers {
namespace {

using test::ApiFixture;
using test::JsonValue;
using testing::HasSubstr;
using testing::Not;
using testing_support::CertificateSpec;
using testing_support::IssuedCertificate;
using testing_support::TestAuthority;

constexpr const char* kCertificate = "/v1/certificates/web";
constexpr const char* kPassword = "swordfish-and-more";

class Certificates : public ApiFixture {
 protected:
  static std::string body_of(const IssuedCertificate& issued) {
    return JsonValue{{"certificate", issued.certificate}, {"private_key", issued.key}}.dump();
  }
  std::string https(const std::string& more = "") const {
    return R"({"address": "192.0.2.100", "port": 443, "shard": "edge", "protocol": "https",
               "tls": {"certificates": ["web"])" +
           more + "}}";
  }
  // The places of the faults.
  static std::vector<std::string> places(const http::Response& response) {
    std::vector<std::string> lines;
    const auto problem = JsonValue::parse(response.body);
    for (const auto& error : problem.value("errors", JsonValue::array()))
      lines.push_back(error["pointer"].get<std::string>() + " " + error["code"].get<std::string>());
    return lines;
  }
  // Of the second line of the base64, which holds nothing that every key has.
  static std::string part_of(const std::string& key) { return key.substr(96, 40); }

  TestAuthority authority_;
  IssuedCertificate web_ =
      authority_.issue({.common_name = "w", .alternative_names = "DNS:web.example.com,IP:192.0.2.1"});
  IssuedCertificate other_ = authority_.issue({.common_name = "o", .alternative_names = ""});
};

TEST_F(Certificates, ShowWhomTheyNameAndNeverTheirKey) {
  const auto created = call("PUT", kCertificate, body_of(web_));
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_THAT(created.body, Not(HasSubstr("PRIVATE")));
  const auto read = get(kCertificate);
  EXPECT_EQ(read["certificate"], web_.certificate);
  EXPECT_FALSE(read.contains("private_key"));
  EXPECT_FALSE(read.contains("key_digest"));
  EXPECT_EQ(read["status"]["key_digest"], tls::sha256_hex(web_.key));
  const auto& facts = read["status"]["certificate"];
  EXPECT_EQ(facts["names"], (JsonValue{"web.example.com", "192.0.2.1"}));
  EXPECT_EQ(facts["key_type"], "ecdsa");
  EXPECT_EQ(facts["fingerprint"].get<std::string>().size(), 64u);
  EXPECT_EQ(read["status"]["conditions"][3]["type"], "valid");
  EXPECT_EQ(read["status"]["conditions"][3]["status"], true);
  EXPECT_TRUE(document().check("Certificate", read).empty());
  EXPECT_EQ(get("/v1/certificates")["items"][0], read);
}

TEST_F(Certificates, TakeWhatWasReadAndKeepTheirKey) {
  put(kCertificate, body_of(web_));
  const auto read = call("GET", kCertificate);
  const auto same = call("PUT", kCertificate, read.body, {{"if-match", header(read, "ETag")}});
  EXPECT_EQ(same.status, 200) << same.body;
  EXPECT_EQ(JsonValue::parse(same.body), JsonValue::parse(read.body));
  auto renewed = JsonValue::parse(read.body);
  renewed["certificate"] = web_.certificate + authority_.certificate();
  ASSERT_EQ(call("PUT", kCertificate, renewed.dump()).status, 200);
  EXPECT_EQ(get(kCertificate)["status"]["key_digest"], tls::sha256_hex(web_.key));
  ASSERT_EQ(call("PATCH", kCertificate, R"({"labels": {"team": "a"}})").status, 200);
  EXPECT_EQ(get(kCertificate)["labels"]["team"], "a");
  EXPECT_EQ(get("/v1/certificates?labels=team=a")["items"].size(), 1u);
  renewed["certificate"] = other_.certificate;
  const auto refused = call("PUT", kCertificate, renewed.dump());
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(places(refused), testing::ElementsAre("/private_key missing_field"));
  ASSERT_EQ(call("PATCH", kCertificate, body_of(other_)).status, 200);
  EXPECT_EQ(get(kCertificate)["status"]["key_digest"], tls::sha256_hex(other_.key));
}

TEST_F(Certificates, RoundTripThroughTheWholeConfiguration) {
  put_simple_ingress();
  put(kCertificate, body_of(web_));
  put("/v1/namespaces/default/certificates/own", body_of(other_));
  put("/v1/namespaces/default/secrets/pw", JsonValue{{"type", "password"}, {"data", kPassword}}.dump());
  const auto read = call("GET", "/v1/config");
  EXPECT_THAT(read.body, Not(HasSubstr("PRIVATE")));
  const auto written = call("PUT", "/v1/config", read.body);
  ASSERT_EQ(written.status, 200) << written.body;
  EXPECT_TRUE(JsonValue::parse(written.body)["changes"].empty());
  EXPECT_EQ(call("GET", "/v1/config").body, read.body);
  auto without = JsonValue::parse(read.body);
  without["certificates"][0]["name"] = "new";
  const auto refused = call("PUT", "/v1/config", without.dump());
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(places(refused), testing::ElementsAre("/certificates/0/private_key missing_field"));
}

TEST_F(Certificates, ThatAreWrongAreRefusedAtTheirPlace) {
  const auto long_text = std::string(70'000, 'x');
  const std::vector<std::pair<JsonValue, std::string>> bodies{
      {{{"certificate", "PEM"}, {"private_key", web_.key}}, "/certificate invalid_value"},
      {{{"certificate", web_.certificate}, {"private_key", other_.key}}, "/private_key invalid_value"},
      {{{"certificate", web_.certificate}, {"private_key", kPassword}}, "/private_key invalid_value"},
      {{{"certificate", web_.certificate}}, "/private_key missing_field"},
      {{{"certificate", long_text}, {"private_key", web_.key}}, "/certificate invalid_value"},
      {{{"certificate", web_.certificate}, {"private_key", long_text}}, "/private_key invalid_value"},
      {{{"certificate", web_.certificate}, {"key_digest", tls::sha256_hex(web_.key)}},
       "/key_digest unknown_field"},
  };
  for (const auto& [body, place] : bodies) {
    const auto refused = call("PUT", kCertificate, body.dump());
    EXPECT_EQ(refused.status, 422) << place << refused.body;
    EXPECT_THAT(places(refused), testing::Contains(place)) << refused.body;
    EXPECT_THAT(refused.body, Not(HasSubstr(part_of(other_.key))));
    EXPECT_THAT(refused.body, Not(HasSubstr(part_of(web_.key))));
    EXPECT_THAT(refused.body, Not(HasSubstr(kPassword)));
  }
  // As a shell script would paste it: the line ends are not escaped.
  const auto raw = call("PUT", kCertificate, "{\"private_key\": \"" + web_.key + "\"}");
  EXPECT_EQ(raw.status, 400);
  EXPECT_THAT(raw.body, Not(HasSubstr(part_of(web_.key))));
  EXPECT_EQ(call("GET", kCertificate).status, 404);
}

TEST_F(Certificates, ThatHaveEndedAreTakenAndSaySo) {
  const auto ended = authority_.issue(
      {.common_name = "w", .alternative_names = "", .begins_in_s = -7200, .ends_in_s = -3600});
  const auto created = call("PUT", kCertificate, body_of(ended));
  ASSERT_EQ(created.status, 201) << created.body;
  const auto condition = JsonValue::parse(created.body)["status"]["conditions"][3];
  EXPECT_EQ(condition["status"], false);
  EXPECT_EQ(condition["reason"], "expired");
}

TEST_F(Certificates, AreShownByListenersAndStayWhileTheyAre) {
  put_simple_ingress();
  EXPECT_THAT(places(call("PUT", "/v1/listeners/s", https())),
              testing::ElementsAre("/tls/certificates/0 missing_reference"));
  put(kCertificate, body_of(web_));
  put("/v1/secrets/ca", JsonValue{{"type", "client_ca"}, {"data", authority_.certificate()}}.dump());
  put("/v1/listeners/s", https(R"(, "client_auth": {"mode": "require", "ca": "ca"})"));
  for (const char* used : {kCertificate, "/v1/secrets/ca"}) {
    const auto refused = call("DELETE", used);
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr("listener s"));
  }
  ASSERT_EQ(call("DELETE", "/v1/listeners/s").status, 204);
  EXPECT_EQ(call("DELETE", kCertificate + std::string("?dry_run=true")).status, 200);
  EXPECT_EQ(call("DELETE", kCertificate).status, 204);
}

TEST_F(Certificates, AreShownToBackendsAndStayWhileTheyAre) {
  put_simple_ingress();
  const std::string pool = "/v1/namespaces/default/pools/secure";
  const std::string body = R"({"backends": [{"address": "192.0.2.9", "port": 443}], "protocol": "h2",
    "health": {"type": "https"}, "tls": {"server_name": "app.internal", "ca": "roots", "certificate": "web"}})";
  EXPECT_THAT(places(call("PUT", pool, body)),
              testing::ElementsAre("/tls/ca missing_reference", "/tls/certificate missing_reference"));
  put("/v1/namespaces/default/certificates/web", body_of(web_));
  put("/v1/namespaces/default/secrets/roots",
      JsonValue{{"type", "ca"}, {"data", authority_.certificate()}}.dump());
  put(pool, body);
  EXPECT_EQ(get(pool)["tls"], JsonValue::parse(body)["tls"]);
  EXPECT_EQ(get("/v1/namespaces/default/secrets/roots")["status"]["authorities"].size(), 1u);
  for (const char* used : {"certificates/web", "secrets/roots"}) {
    const auto refused = call("DELETE", std::string("/v1/namespaces/default/") + used);
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr("pool default/secure"));
  }
  ASSERT_EQ(call("DELETE", pool).status, 204);
  EXPECT_EQ(call("DELETE", "/v1/namespaces/default/certificates/web").status, 204);
  EXPECT_EQ(call("DELETE", "/v1/namespaces/default/secrets/roots").status, 204);
}

TEST_F(Certificates, OfANamespaceNeedItsGrant) {
  put_simple_ingress();
  put("/v1/namespaces/a", "{}");
  put("/v1/namespaces/a/certificates/web", body_of(web_));
  EXPECT_EQ(get("/v1/namespaces/a/certificates/web")["namespace"], "a");
  EXPECT_EQ(call("PUT", "/v1/namespaces/gone/certificates/web", body_of(web_)).status, 404);
  auto listener = JsonValue::parse(https());
  listener["tls"]["certificates"][0] = "a/web";
  EXPECT_THAT(places(call("PUT", "/v1/listeners/s", listener.dump())),
              testing::ElementsAre("/tls/certificates/0 not_granted"));
  put("/v1/namespaces/a", R"({"grants": [{"certificates": ["web"]}]})");
  put("/v1/listeners/s", listener.dump());
}

TEST_F(Certificates, DryRunShowsADigestAndStoresNothing) {
  put(kCertificate, body_of(web_));
  const auto tried = call("PUT", kCertificate + std::string("?dry_run=true"), body_of(other_));
  EXPECT_EQ(tried.status, 200);
  EXPECT_THAT(tried.body, HasSubstr(tls::sha256_hex(other_.key)));
  EXPECT_THAT(tried.body, Not(HasSubstr("PRIVATE")));
  EXPECT_EQ(get(kCertificate)["certificate"], web_.certificate);
}

TEST_F(Certificates, SecretsAreNeverShownAgain) {
  const auto body = JsonValue{{"type", "password"}, {"data", kPassword}}.dump();
  const auto created = call("PUT", "/v1/secrets/pw", body);
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_THAT(created.body, Not(HasSubstr(kPassword)));
  const auto read = get("/v1/secrets/pw");
  EXPECT_EQ(read["type"], "password");
  EXPECT_FALSE(read.contains("data"));
  EXPECT_NE(read["status"]["digest"], tls::sha256_hex(kPassword));
  EXPECT_TRUE(document().check("Secret", read).empty());
  EXPECT_EQ(header(call("PUT", "/v1/secrets/pw", body), "Headgate-Revision"), "2");  // the same: no change
  EXPECT_EQ(call("PUT", "/v1/secrets/pw", read.dump()).status, 200);
  EXPECT_EQ(get("/v1/secrets/pw"), read);
  put("/v1/secrets/ca", JsonValue{{"type", "client_ca"}, {"data", authority_.certificate()}}.dump());
  EXPECT_EQ(get("/v1/secrets/ca")["data"], authority_.certificate());
  EXPECT_EQ(get("/v1/secrets/ca")["status"]["authorities"].size(), 1u);
}

// --- what nodes get

class NodeSecrets : public Certificates {
 protected:
  void SetUp() override {
    ApiFixture::SetUp();
    put_simple_ingress();
    put(kCertificate, body_of(web_));
    put("/v1/certificates/other", body_of(other_));
    put("/v1/listeners/s", https());
    put("/v1/nodes/n2", R"({"roles": ["ingress"]})");  // runs no shard
    credential_ = enrolled("n1");
  }
  contract::Secrets ask(const std::string& node, const std::string& credential,
                        std::vector<std::string> digests) {
    const auto answer = call("POST", "/v1/nodes/" + node + "/secrets",
                             contract::encode(contract::SecretsWanted{std::move(digests)}), {}, credential);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(header(answer, "Cache-Control"), "no-store");
    auto secrets = contract::decode_secrets(answer.body);
    return secrets.ok() ? *std::move(secrets) : contract::Secrets{};
  }
  std::string digest() const { return tls::sha256_hex(web_.key); }

  std::string credential_;
};

TEST_F(NodeSecrets, AreThoseThatItsSnapshotNames) {
  const auto secrets =
      ask("n1", credential_, {digest(), digest(), tls::sha256_hex(other_.key), std::string(64, '0')});
  EXPECT_EQ(secrets, (contract::Secrets{{{digest(), web_.key}}}));
  EXPECT_TRUE(ask("n2", enrolled("n2"), {digest()}).secrets.empty());
  EXPECT_EQ(call("POST", "/v1/nodes/n2/secrets", R"({"digests": []})", {}, credential_).status, 403);
}

TEST_F(NodeSecrets, EndWithTheListenerThatNeededThem) {
  ASSERT_EQ(call("DELETE", "/v1/listeners/s").status, 204);
  EXPECT_TRUE(ask("n1", credential_, {digest()}).secrets.empty());
}

TEST_F(NodeSecrets, OutliveARestart) {
  open();
  EXPECT_EQ(ask("n1", credential_, {digest()}).secrets.size(), 1u);
}

TEST_F(NodeSecrets, HoldTheOneForSessionTickets) {
  const auto update =
      contract::decode_node_update(call("GET", "/v1/nodes/n1/delta?base=0", "", {}, credential_).body);
  ASSERT_TRUE(update.ok() && update->delta);
  std::string tickets;
  for (const auto& [key, object] : update->delta->upserts)
    if (const auto* settings = std::get_if<contract::ShardSettings>(object.get()))
      tickets = settings->ticket_secret;
  const auto secrets = ask("n1", credential_, {tickets}).secrets;
  ASSERT_EQ(secrets.size(), 1u);
  EXPECT_EQ(tls::sha256_hex(secrets[0].bytes), tickets);
}

// The bytes of everything that headgated has written or says, searched for any piece of a key or password.
TEST_F(NodeSecrets, AreNowhereInTheOpen) {
  put("/v1/secrets/pw", JsonValue{{"type", "password"}, {"data", kPassword}}.dump());
  put(kCertificate, body_of(other_));
  put(kCertificate, body_of(web_));
  ASSERT_EQ(call("DELETE", "/v1/secrets/pw").status, 204);
  std::string everything;
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    std::ifstream stream(file.path(), std::ios::binary);
    everything.append(std::istreambuf_iterator<char>(stream), {});
  }
  EXPECT_THAT(everything, HasSubstr(digest()));  // the bodies are among it
  for (const char* target :
       {"/v1/config", "/v1/audit", "/v1/certificates", "/v1/secrets", "/v1/status", "/v1/revisions"})
    everything += call("GET", target).body;
  for (uint64_t number = 1; number <= revision(); ++number)
    everything += call("GET", "/v1/revisions/" + std::to_string(number)).body;
  for (const auto& key : {web_.key, other_.key}) {
    std::string flat = key;
    std::erase(flat, '\n');
    EXPECT_EQ(everything.find(part_of(key)), std::string::npos);
    EXPECT_EQ(everything.find(part_of(flat)), std::string::npos);
  }
  EXPECT_EQ(everything.find(kPassword), std::string::npos);
  EXPECT_EQ(everything.find("PRIVATE KEY"), std::string::npos);
}

}  // namespace
}  // namespace headgate::handlers
