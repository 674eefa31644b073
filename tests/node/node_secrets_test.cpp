// SPDX-License-Identifier: Apache-2.0
// Secrets on their way through the whole headgate-node: fetched, kept, handed to who needs them.
#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "dataplane/tls/digest.hpp"
#include "tests/node/node_fixture.hpp"

namespace headgate::node {
namespace {

class NodeSecretsTest : public NodeTest {
 protected:
  static contract::Secret secret(const std::string& bytes) { return {tls::sha256_hex(bytes), bytes}; }
  Objects objects_with(const std::string& digest, const std::string& marker = "") const {
    auto wanted = objects(1, marker);
    put(wanted, "shard/edge", "c",
        contract::Certificate{.uid = "c", .name = "web", .chain = "PEM", .key_digest = digest});
    put(wanted, "shard/elsewhere", "x",
        contract::Certificate{.uid = "x", .name = "x", .chain = "PEM", .key_digest = other_.digest});
    return wanted;
  }
  // What the replica was told so far, in its order.
  std::string told() {
    const auto id = "told" + std::to_string(++asked_);
    api_.command({"shard/edge/0", {id, "told", "{}"}});
    return api_.wait_for_result(id).body;
  }
  static std::string line_of(const contract::Secret& secret) {
    return "secret " + secret.digest + " " + secret.bytes + "\n";
  }
  bool is_on_disk(const std::string& text) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(node_.directory() / "state")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(stream), {});
      if (bytes.find(text) != std::string::npos) return true;
    }
    return false;
  }

  const contract::Secret key_ = secret("first-private-key"), renewed_ = secret("second-private-key"),
                         other_ = secret("key-of-another-shard");
  int asked_ = 0;
};

TEST_F(NodeSecretsTest, ComeAheadOfTheConfigureThatNamesThemAndToNobodyElse) {
  for (const auto& each : {key_, renewed_, other_}) api_.put_secret(each);
  api_.publish(objects_with(key_.digest));
  node_.start();
  EXPECT_TRUE(api_.wait_applied().notices.empty());
  EXPECT_EQ(told(), line_of(key_) + "configure 1\n");
  api_.publish(objects_with(renewed_.digest));
  api_.wait_applied();
  EXPECT_EQ(told(), line_of(key_) + "configure 1\n" + line_of(renewed_) + "configure 2\n");
  // A change that names no new one brings none.
  api_.publish(objects_with(renewed_.digest, "-changed"));
  api_.wait_applied();
  EXPECT_EQ(told(), line_of(key_) + "configure 1\n" + line_of(renewed_) + "configure 2\nconfigure 3\n");
  EXPECT_EQ(node_.log().find("private-key"), std::string::npos);
}

TEST_F(NodeSecretsTest, AreSealedOnDiskAndForgottenWhenNothingNamesThem) {
  for (const auto& each : {key_, renewed_, other_}) api_.put_secret(each);
  api_.publish(objects_with(key_.digest));
  node_.start();
  api_.wait_applied();
  const auto file = node_.directory() / "state" / "secrets" / key_.digest;
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_FALSE(is_on_disk("private-key"));
  EXPECT_TRUE(is_on_disk(key_.digest));  // the snapshot names it
  struct stat about {};
  ASSERT_EQ(::stat((node_.directory() / "state" / "secrets.key").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  api_.publish(objects_with(renewed_.digest));
  api_.wait_applied();
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(NodeSecretsTest, AreThereWithoutHeadgatedForNewAndForAdoptedReplicas) {
  for (const auto& each : {key_, other_}) api_.put_secret(each);
  api_.publish(objects_with(key_.digest));
  node_.start();
  api_.wait_applied();
  const auto given = api_.secrets_given();
  EXPECT_EQ(node_.stop_gracefully(), 0);
  api_.hang_up();
  node_.start();
  EXPECT_TRUE(wait_until([&] { return ask_pid(listener_) != 0; }));
  api_.listen_again();
  EXPECT_EQ(told(), line_of(key_) + "configure 1\n");
  const pid_t kept = pid_of("shard/edge/0");
  node_.kill_hard();
  node_.start();
  EXPECT_EQ(pid_of("shard/edge/0"), kept);
  api_.publish(objects_with(key_.digest, "-changed"));  // also ends the poll of the one that was killed
  api_.wait_applied();
  EXPECT_EQ(told(), line_of(key_) + "configure 1\n" + line_of(key_) + "configure 1\nconfigure 2\n");
  EXPECT_EQ(api_.secrets_given(), given);
}

TEST_F(NodeSecretsTest, ThatCannotBeHadDelayNothingAndAreToldWhenTheyCome) {
  api_.put_secret({key_.digest, "not what the digest says"});
  api_.put_secret(other_);
  api_.publish(objects_with(key_.digest));
  node_.start();
  const auto report = api_.wait_applied();
  ASSERT_EQ(report.notices.size(), 1u);
  EXPECT_EQ(report.notices[0].code, "secrets_missing");
  EXPECT_NE(report.notices[0].text.find("web"), std::string::npos) << report.notices[0].text;
  EXPECT_EQ(told(), "configure 1\n");
  api_.put_secret(key_);
  api_.wait_for_report("that it has it", [](const NodeReport& seen) { return seen.notices.empty(); });
  EXPECT_EQ(told(), "configure 1\n" + line_of(key_));
}

}  // namespace
}  // namespace headgate::node
