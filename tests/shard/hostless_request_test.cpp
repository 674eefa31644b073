// SPDX-License-Identifier: Apache-2.0
// HTTP/1.0 knows requests without Host, and balancers' checks are such; a backend is asked by HTTP/1.1.
#include <gmock/gmock.h>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;

class HostlessRequestTest : public ShardFixture {};

TEST_F(HostlessRequestTest, IsForTheAddressThatItReached) {
  start();
  auto of_any_host = route();
  of_any_host.hostnames.clear();
  auto change = delta({of_any_host});
  change.base = change.revision - 1;
  apply(change);
  auto client = connect();
  client.send("GET /up HTTP/1.0\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  const auto reached = "127.0.0.1:" + std::to_string(port_);
  EXPECT_THAT(head, HasSubstr("GET /up HTTP/1.1\r\nhost: " + reached + "\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nx-forwarded-host: " + reached + "\r\n"));
}

}  // namespace
}  // namespace headgate::shard
