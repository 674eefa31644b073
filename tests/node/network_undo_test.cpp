// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/network_undo.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/netlink/own_namespace.hpp"
#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

std::string arp_ignore() {
  std::string value;
  std::ifstream("/proc/sys/net/ipv4/conf/lo/arp_ignore") >> value;
  return value;
}

TEST(NetworkUndo, ASettingGoesBackToWhatItWasFirst) {
  in_own_namespace([] {
    const TemporaryDirectory directory;
    {
      NetworkUndo undo(directory / "undo");
      ASSERT_TRUE(undo.set_sysctl("net/ipv4/conf/lo/arp_ignore", "1").ok());
      ASSERT_TRUE(undo.set_sysctl("net/ipv4/conf/lo/arp_ignore", "2").ok());
      EXPECT_EQ(arp_ignore(), "2");
    }
    NetworkUndo later(directory / "undo");  // another headgate-node, after a kill -9
    later.restore_sysctls_and_forget();
    EXPECT_EQ(arp_ignore(), "0");
    EXPECT_FALSE(std::filesystem::exists(directory / "undo"));
  });
}

TEST(NetworkUndo, AddressesAreRememberedOnce) {
  const TemporaryDirectory directory;
  const auto host = *HostAddress::parse("192.0.2.10/24");
  const auto local = *IpAddress::parse("fd68:6764:7465::1");
  {
    NetworkUndo undo(directory / "undo");
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(undo.note_moved_address(host).ok());
      ASSERT_TRUE(undo.note_local_address(local).ok());
    }
  }
  const NetworkUndo later(directory / "undo");
  EXPECT_EQ(later.moved_addresses(), std::vector{host});
  EXPECT_EQ(later.local_addresses(), std::vector{local});
}

TEST(NetworkUndo, AMissingSettingIsAnErrorThatNamesIt) {
  const TemporaryDirectory directory;
  NetworkUndo undo(directory / "undo");
  EXPECT_NE(undo.set_sysctl("net/no/such", "1").error().message.find("/proc/sys/net/no/such"),
            std::string::npos);
}

}  // namespace
}  // namespace headgate::node
