// SPDX-License-Identifier: Apache-2.0
#include "mgmt/front/front.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/assert.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/core/durable_file.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::front {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class FrontTest : public testing::Test {
 protected:
  FrontTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-front-XXXXXX").string();
    HG_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    top_ = pattern;
    directory_ = top_ / "front";
  }
  ~FrontTest() override { std::filesystem::remove_all(top_); }

  Front made() const {
    Front front({.listen = *Endpoint::parse("0.0.0.0:7443"),
                 .names = {"api.example.com", "192.0.2.1"},
                 .directory = directory_,
                 .certificate_lifetime = hours(3)},
                tls::CertificateAuthority::load(authority_.certificate(), authority_.private_key()).value());
    front.set_backend(*Endpoint::parse("127.0.0.1:7080"));
    return front;
  }
  std::string text_of(const char* file) const {
    auto text = read_file(directory_ / file);
    return text.ok() ? *text : "";
  }
  unsigned mode_of(const char* file) const {
    struct stat status {};
    return ::stat((directory_ / file).c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  contract::Certificate certificate() const {
    const auto snapshot = contract::decode_delta(text_of(Front::kSnapshotFile));
    EXPECT_TRUE(snapshot.ok());
    for (const auto& [key, object] : snapshot->upserts)
      if (const auto* found = std::get_if<contract::Certificate>(object.get())) return *found;
    return {};
  }
  std::vector<contract::Secret> secrets() const {
    const auto decoded = contract::decode_secrets(text_of(Front::kSecretsFile));
    EXPECT_TRUE(decoded.ok());
    return decoded.ok() ? decoded->secrets : std::vector<contract::Secret>();
  }
  // Of the secrets, the one that the snapshot names; empty where none is.
  std::string key() const {
    for (const auto& secret : secrets())
      if (secret.digest == certificate().key_digest) return secret.bytes;
    return {};
  }

  std::filesystem::path top_, directory_;
  const int64_t now_ms_ = unix_time_ms();
  const tls::CertificateAuthority authority_ = tls::CertificateAuthority::make(now_ms_).value();
};

TEST_F(FrontTest, WritesWhatAShardNeedsForItsOwnerAlone) {
  EXPECT_EQ(made().keep_current(now_ms_), minutes(1));
  EXPECT_EQ(text_of(Front::kAuthorityFile), authority_.certificate());
  EXPECT_EQ(mode_of(Front::kAuthorityFile), 0644u);
  EXPECT_EQ(mode_of(Front::kSecretsFile), 0600u);
  EXPECT_EQ(mode_of(Front::kSnapshotFile), 0600u);
  ASSERT_THAT(secrets(), SizeIs(1));
  EXPECT_EQ(tls::sha256_hex(key()), certificate().key_digest);
  EXPECT_TRUE(tls::check_key_matches(certificate().chain, key()).ok());
  const auto facts = tls::parse_chain(certificate().chain + authority_.certificate());
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_THAT(facts->dns_names, ElementsAre("api.example.com"));
  EXPECT_THAT(facts->ip_addresses, ElementsAre("192.0.2.1"));
  EXPECT_EQ(text_of(Front::kSnapshotFile).find("PRIVATE KEY"), std::string::npos);
}

TEST_F(FrontTest, RenewsTheCertificateWhenAThirdOfItsLifetimeIsOver) {
  auto front = made();
  front.keep_current(now_ms_);
  const auto first = certificate();
  const auto after = [&](milliseconds time) { return now_ms_ + time.count(); };
  EXPECT_EQ(front.keep_current(after(minutes(58))), minutes(1));
  EXPECT_LT(front.keep_current(after(minutes(59) + milliseconds(500))), minutes(1));
  EXPECT_EQ(certificate(), first);
  front.keep_current(after(hours(1)));
  const auto second = certificate();
  EXPECT_NE(second.chain, first.chain);
  EXPECT_NE(second.key_digest, first.key_digest);
  EXPECT_GT(tls::parse_chain(second.chain)->not_after_ms, tls::parse_chain(first.chain)->not_after_ms);
  EXPECT_TRUE(tls::check_key_matches(second.chain, key()).ok());
}

// Whoever reads between the writes, or after one that was cut short, has all that the snapshot names.
TEST_F(FrontTest, TheKeyInUseStaysBesideTheNewOneAndNoLonger) {
  auto front = made();
  front.keep_current(now_ms_);
  const auto first = certificate().key_digest;
  const auto snapshot = text_of(Front::kSnapshotFile);
  front.keep_current(now_ms_ + hours(1) / milliseconds(1));
  EXPECT_THAT(secrets(), SizeIs(2));
  EXPECT_THAT(secrets(), Contains(testing::Field(&contract::Secret::digest, first)));
  ASSERT_TRUE(write_file_durably(directory_ / Front::kSnapshotFile, snapshot, 0600).ok());
  EXPECT_TRUE(tls::check_key_matches(certificate().chain, key()).ok());
  front.keep_current(now_ms_ + hours(2) / milliseconds(1));
  front.keep_current(now_ms_ + hours(3) / milliseconds(1));
  EXPECT_THAT(secrets(), SizeIs(2));
  EXPECT_THAT(secrets(), testing::Not(Contains(testing::Field(&contract::Secret::digest, first))));
}

TEST_F(FrontTest, WritesAgainWhatHasGone) {
  auto front = made();
  for (const char* file : {Front::kSnapshotFile, Front::kSecretsFile, Front::kAuthorityFile}) {
    front.keep_current(now_ms_);
    std::filesystem::remove(directory_ / file);
    front.keep_current(now_ms_);
    EXPECT_TRUE(tls::check_key_matches(certificate().chain, key()).ok()) << file;
    EXPECT_EQ(text_of(Front::kAuthorityFile), authority_.certificate());
  }
}

TEST_F(FrontTest, SaysThatItCannotWriteAndTriesAgain) {
  ASSERT_TRUE(write_file_durably(directory_, "in the way", 0600).ok());
  auto front = made();
  testing::internal::CaptureStderr();
  EXPECT_EQ(front.keep_current(now_ms_), std::chrono::seconds(10));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(directory_.string()));
  std::filesystem::remove(directory_);
  front.keep_current(now_ms_);
  EXPECT_TRUE(tls::check_key_matches(certificate().chain, key()).ok());
}

TEST_F(FrontTest, DoesNotTakeOverWhatAnotherLeftBroken) {
  made().keep_current(now_ms_);
  ASSERT_TRUE(write_file_durably(directory_ / Front::kSecretsFile, "{", 0600).ok());
  made().keep_current(now_ms_);
  EXPECT_THAT(secrets(), SizeIs(1));
  EXPECT_TRUE(tls::check_key_matches(certificate().chain, key()).ok());
}

TEST(FrontNames, AreWhatClientsCallTheMachine) {
  EXPECT_THAT(default_names(*Endpoint::parse("192.0.2.7:7443")),
              testing::AllOf(Contains("localhost"), Contains("192.0.2.7")));
  EXPECT_THAT(default_names(*Endpoint::parse("[::]:7443")), testing::Not(Contains("::")));
  for (const auto& name : default_names(*Endpoint::parse("0.0.0.0:7443")))
    EXPECT_TRUE(tls::is_server_name(name)) << name;
}

}  // namespace
}  // namespace headgate::front
