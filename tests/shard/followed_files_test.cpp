// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/followed_files.hpp"

#include <gmock/gmock.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/durable_file.hpp"
#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;

// A port that a shard may open beside us, and nobody else meanwhile.
class SharedPort {
 public:
  SharedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    at_.sin_family = AF_INET;
    at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at_;
    HG_ASSERT(::bind(socket_.get(), address(), size) == 0);
    ::getsockname(socket_.get(), address(), &size);
  }
  uint16_t number() const { return ntohs(at_.sin_port); }
  bool refuses() {
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(client.get(), address(), sizeof at_) < 0;
  }

 private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&at_); }

  UniqueFd socket_;
  sockaddr_in at_{};
};

// A shard that opens its sockets itself. The control thread is the test's, and looks when the test says so.
class FollowedFilesTest : public TlsFixture {
 protected:
  void SetUp() override {
    TlsFixture::SetUp();
    port_ = shared_port_.number();
    snapshot_ = directory_ / "snapshot.json";
    secrets_path_ = directory_ / "secrets.json";
    tls_.certificates = {"c0"};
    auto started = ShardProcess::start(
        {.name = "front/0", .threads = 1, .access_log_path = log_path_, .clients_max = clients_max_});
    ASSERT_TRUE(started.ok());
    shard_ = std::move(*started);
    files_.emplace(*shard_, snapshot_, secrets_path_, 1);
  }
  void TearDown() override {
    files_.reset();
    TlsFixture::TearDown();
  }

  void write_secrets(const std::vector<IssuedCertificate>& certificates) {
    ASSERT_TRUE(write_file_durably(secrets_path_, contract::encode(secrets_of(certificates)), 0600).ok());
  }
  std::string snapshot_with(const IssuedCertificate& certificate) {
    return contract::encode(delta({settings_, certificate_object("c0", certificate), tls_listener(), route(),
                                   pool({backend_.port()})}));
  }
  void write_snapshot(const std::string& text) {
    ASSERT_TRUE(write_file_durably(snapshot_, text, 0600).ok());
  }
  void serve(const IssuedCertificate& certificate) {
    write_secrets({certificate});
    write_snapshot(snapshot_with(certificate));
    const auto served = files_->serve();
    ASSERT_TRUE(served.ok()) << served.error().message;
    settle();
  }
  void look() {
    files_->look();
    settle();
  }
  void settle() {
    await([this] { return (void)shard_->settle(), !shard_->settling(); });
  }
  std::string name_shown() {
    auto client = peer();
    EXPECT_TRUE(client.handshake()) << client.why_not();
    return client.peer_name();
  }
  std::string looked_and_said() {
    testing::internal::CaptureStderr();
    look();
    return testing::internal::GetCapturedStderr();
  }

  SharedPort shared_port_;
  std::string snapshot_, secrets_path_;
  std::optional<FollowedFiles> files_;
  const IssuedCertificate first_ = issue("first", "DNS:app.example");
  const IssuedCertificate second_ = issue("second", "DNS:app.example");
};

TEST_F(FollowedFilesTest, ShowsTheNewCertificateAndDropsNoConnection) {
  serve(first_);
  auto client = peer();
  EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
  EXPECT_EQ(name_shown(), "first");

  write_secrets({first_, second_});
  look();
  EXPECT_EQ(name_shown(), "first");
  write_snapshot(snapshot_with(second_));
  look();
  EXPECT_EQ(name_shown(), "second");
  EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
}

TEST_F(FollowedFilesTest, LooksAtWhatWasReplacedOnly) {
  serve(first_);
  const auto revision = shard_->revision();
  EXPECT_EQ(looked_and_said(), "");
  EXPECT_EQ(shard_->revision(), revision);
}

TEST_F(FollowedFilesTest, ServesTheOldOnWhereTheNewIsBroken) {
  serve(first_);
  auto without_listener = delta({settings_, route(), pool({backend_.port()})});
  auto no_full_one = delta({settings_, tls_listener()});
  no_full_one.base = 1;
  const struct {
    const char* description;
    std::string snapshot;
    const char* said;
  } cases[] = {
      {"no JSON", "{\"base\":", "snapshot.json"},
      {"nothing", "", "snapshot.json"},
      {"no full snapshot", contract::encode(no_full_one), "no full snapshot"},
      {"no listener", contract::encode(without_listener), "no listener"},
      {"a key that is nowhere", snapshot_with(second_), "missing or damaged"},
      {"a key that is another's", snapshot_with({.certificate = second_.certificate, .key = first_.key}),
       "not that of"},
  };
  for (const auto& [description, snapshot, said] : cases) {
    write_snapshot(snapshot);
    const auto told = looked_and_said();
    EXPECT_THAT(told, HasSubstr("the old is served on")) << description;
    EXPECT_THAT(told, HasSubstr(said)) << description;
    EXPECT_EQ(looked_and_said(), "") << "once: " << description;
    EXPECT_EQ(name_shown(), "first") << description;
  }
  auto client = peer();
  EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
}

TEST_F(FollowedFilesTest, ServesTheOldOnWhileFilesAreMissingOrOpenToOthers) {
  serve(first_);
  std::filesystem::remove(snapshot_);
  EXPECT_THAT(looked_and_said(), HasSubstr("snapshot.json"));
  EXPECT_EQ(name_shown(), "first");
  write_secrets({second_});
  std::filesystem::permissions(secrets_path_, std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  write_snapshot(snapshot_with(second_));
  EXPECT_THAT(looked_and_said(), HasSubstr("0600"));
  EXPECT_EQ(name_shown(), "first");
  write_secrets({second_});
  look();
  EXPECT_EQ(name_shown(), "second");
}

TEST_F(FollowedFilesTest, ListensWhereTheNewSnapshotSays) {
  serve(first_);
  const SharedPort other;
  port_ = other.number();
  write_snapshot(snapshot_with(first_));
  look();
  auto client = peer();
  EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
  await([&] { return shared_port_.refuses(); });
}

TEST_F(FollowedFilesTest, DoesNotBeginWithoutItsFiles) {
  EXPECT_THAT(files_->serve().error().message, HasSubstr("snapshot.json"));
  write_snapshot(snapshot_with(first_));
  EXPECT_THAT(files_->serve().error().message, HasSubstr("secrets.json"));
}

}  // namespace
}  // namespace headgate::shard
