// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/control_socket.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

TEST(ControlSocket, IsOurUsersAloneAndConnectsWithoutAnAccept) {
  const TemporaryDirectory directory;
  const auto listening = listen_control_socket(directory / "p.sock");
  ASSERT_TRUE(listening.ok());
  struct stat file {};
  ASSERT_EQ(::stat((directory / "p.sock").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_TRUE(connect_control_socket(directory / "p.sock").ok());
}

TEST(ControlSocket, ADeadOnesPlaceIsTaken) {
  const TemporaryDirectory directory;
  { ASSERT_TRUE(listen_control_socket(directory / "p.sock").ok()); }
  EXPECT_EQ(connect_control_socket(directory / "p.sock").error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(listen_control_socket(directory / "p.sock").ok());
  EXPECT_EQ(connect_control_socket(directory / "none.sock").error().code, ErrorCode::kNotFound);
}

TEST(ControlSocket, APathThatIsTooLongIsSaidSo) {
  const auto result = listen_control_socket("/tmp/" + std::string(120, 'x'));
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("too long"), std::string::npos);
}

}  // namespace
}  // namespace headgate::node
