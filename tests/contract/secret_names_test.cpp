// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/secret_names.hpp"

#include <gmock/gmock.h>

namespace headgate::contract {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ObjectPtr frozen(Object object) { return std::make_shared<const Object>(std::move(object)); }

TEST(SecretNames, AreOfKeysAndTicketsAndNothingElse) {
  ShardSettings settings;
  settings.ticket_secret = "t";
  Snapshot snapshot;
  snapshot.objects[{"shard/a", Kind::kCertificate, "c"}] =
      frozen(Certificate{.uid = "c", .name = "c", .chain = "PEM", .key_digest = "k1"});
  snapshot.objects[{"shard/b", Kind::kCertificate, "c"}] = snapshot.objects.begin()->second;
  snapshot.objects[{"shard/a", Kind::kShardSettings, "a"}] = frozen(settings);
  snapshot.objects[{"shard/b", Kind::kShardSettings, "b"}] = frozen(ShardSettings{});
  snapshot.objects[{"shard/a", Kind::kTrustBundle, "s"}] =
      frozen(TrustBundle{.uid = "s", .name = "s", .certificates = "PEM"});
  EXPECT_THAT(secret_names(snapshot), ElementsAre("k1", "t"));
  EXPECT_THAT(secret_names(full(snapshot)), ElementsAre("k1", "t"));
  EXPECT_THAT(secret_names(Delta{.base = 1, .revision = 2, .upserts = {}, .removals = {{"a", {}, "c"}}}),
              IsEmpty());
}

}  // namespace
}  // namespace headgate::contract
