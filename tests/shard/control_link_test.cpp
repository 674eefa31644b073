// SPDX-License-Identifier: Apache-2.0
// The conversation with headgate-node, which the test plays over the real socket.
#include "dataplane/shard/control_link.hpp"

#include <csignal>

#include <sys/signalfd.h>
#include <sys/un.h>

#include "dataplane/tls/digest.hpp"
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/tls_peer.hpp"

namespace headgate::shard {
namespace {

class ControlLinkTest : public ShardFixture {
 protected:
  void SetUp() override {
    ShardFixture::SetUp();
    socket_path_ = directory_ / "control.sock";
    UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = address();
    ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(::listen(listening.get(), 4), 0);
    auto started = ShardProcess::start(
        {.name = "edge/0", .threads = 2, .access_log_path = log_path_, .clients_max = clients_max_});
    ASSERT_TRUE(started.ok());
    process_ = std::move(*started);
    sigset_t none;
    sigemptyset(&none);
    link_.emplace(*process_, std::move(listening), UniqueFd(::signalfd(-1, &none, SFD_CLOEXEC)));
    control_ = std::thread([this] { EXPECT_TRUE(link_->run().ok()); });
  }

  void TearDown() override {
    if (control_.joinable()) {
      auto node = connect_node();
      EXPECT_TRUE(node.send(contract::Stop{}).ok());
      control_.join();
    }
    process_.reset();
    ShardFixture::TearDown();
  }

  sockaddr_un address() const {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    socket_path_.copy(at.sun_path, sizeof at.sun_path - 1);
    return at;
  }

  contract::Channel connect_node() {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = address();
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    return contract::Channel(std::move(socket));
  }

  // The next message of that type; others on the way are passed over.
  template <typename T>
  std::optional<T> expect(contract::Channel& node, std::vector<UniqueFd>* fds = nullptr) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
      auto received = node.receive();
      if (!received.ok()) return std::nullopt;
      if (!*received) {
        pollfd readable{node.fd(), POLLIN, 0};
        ::poll(&readable, 1, 100);
        continue;
      }
      if (const auto* wanted = std::get_if<T>(&(*received)->message)) {
        if (fds) *fds = std::move((*received)->fds);
        return *wanted;
      }
    }
    return std::nullopt;
  }

  contract::SocketSet socket_set() const {
    const auto at = Endpoint{*IpAddress::parse("127.0.0.1"), port_};
    return {{contract::Socket{at, at, 1}}};
  }

  std::string socket_path_;
  std::unique_ptr<ShardProcess> process_;
  std::optional<ControlLink> link_;
  std::thread control_;
};

TEST_F(ControlLinkTest, HelloConfigureAcknowledgeServe) {
  auto node = connect_node();
  const auto hello = expect<contract::Hello>(node);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->process, "shard/edge/0");
  EXPECT_EQ(hello->pid, ::getpid());
  EXPECT_EQ(hello->revision, 0u);
  ASSERT_TRUE(node.send(contract::Configure{whole(pool({backend_.port()}))}).ok());
  const auto applied = expect<contract::Acknowledgement>(node);
  ASSERT_TRUE(applied);
  EXPECT_TRUE(applied->applied);
  EXPECT_EQ(applied->revision, revision_);
  ASSERT_TRUE(node.send(socket_set(), {listening_.get()}).ok());
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(backend_.accept().read_head().starts_with("GET / "));
  EXPECT_EQ(client.read_head().substr(9, 3), "502");
  const auto stats = expect<contract::Stats>(node);
  ASSERT_TRUE(stats);
}

TEST_F(ControlLinkTest, SecretsComeAheadOfTheDeltaThatNamesThem) {
  testing_support::CertificateSpec spec;
  spec.alternative_names = "DNS:a";
  const auto issued = testing_support::TestAuthority::self_signed(spec);
  contract::Certificate certificate;
  certificate.uid = "c1";
  certificate.chain = issued.certificate;
  certificate.key_digest = tls::sha256_hex(issued.key);
  auto listener = web_listener();
  listener.protocol = contract::Protocol::kHttps;
  listener.tls.emplace().certificates = {"c1"};

  auto node = connect_node();
  ASSERT_TRUE(node.send(contract::Secrets{{{certificate.key_digest, issued.key}}}).ok());
  ASSERT_TRUE(node.send(contract::Configure{delta({settings_, listener, certificate})}).ok());
  ASSERT_TRUE(expect<contract::Acknowledgement>(node));
  ASSERT_TRUE(node.send(socket_set(), {listening_.get()}).ok());
  testing_support::TlsPeer client(
      connect(), testing_support::TlsPeerOptions{.server_name = "a", .authority = issued.certificate});
  EXPECT_TRUE(client.handshake()) << client.why_not();
}

TEST_F(ControlLinkTest, ADeltaWithAnotherBaseIsRefusedWithTheReason) {
  auto node = connect_node();
  contract::Configure configure;
  configure.delta.base = 41;
  configure.delta.revision = 42;
  ASSERT_TRUE(node.send(configure).ok());
  const auto refused = expect<contract::Acknowledgement>(node);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->applied);
  EXPECT_EQ(refused->revision, 42u);
  EXPECT_NE(refused->reason.find("41"), std::string::npos);
}

TEST_F(ControlLinkTest, ANodeThatComesBackGetsTheSocketsAndNothingIsDisturbed) {
  {
    auto node = connect_node();
    ASSERT_TRUE(node.send(contract::Configure{whole(pool({backend_.port()}))}).ok());
    ASSERT_TRUE(node.send(socket_set(), {listening_.get()}).ok());
    ASSERT_TRUE(expect<contract::Acknowledgement>(node));
  }
  listening_.reset();  // the node has died: the shard alone holds the socket
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();

  auto node = connect_node();
  EXPECT_EQ(expect<contract::Hello>(node)->revision, revision_);
  ASSERT_TRUE(node.send(contract::SocketsWanted{}).ok());
  std::vector<UniqueFd> fds;
  const auto sockets = expect<contract::SocketSet>(node, &fds);
  ASSERT_TRUE(sockets);
  EXPECT_EQ(*sockets, socket_set());
  ASSERT_EQ(fds.size(), 1u);
  ASSERT_TRUE(node.send(*sockets, {fds[0].get()}).ok());
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
  auto next = connect();
  next.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  EXPECT_EQ(next.read_until("no_rule\n").substr(9, 3), "404");
}

TEST_F(ControlLinkTest, AnUnknownCommandIsAnswered) {
  auto node = connect_node();
  ASSERT_TRUE(node.send(contract::Command{.id = "c1", .verb = "dance", .body = {}}).ok());
  const auto result = expect<contract::CommandResult>(node);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->id, "c1");
  EXPECT_FALSE(result->ok);
}

TEST_F(ControlLinkTest, StopEndsAtOnceWhereNothingRuns) {
  auto node = connect_node();
  ASSERT_TRUE(node.send(contract::Stop{.drain_timeout = contract::Millis(60'000)}).ok());
  control_.join();
  EXPECT_TRUE(process_->drained());
}

}  // namespace
}  // namespace headgate::shard
