// SPDX-License-Identifier: Apache-2.0
// What a certificate or secret holds that nobody may read again leaves its body here, before anything stores,
// compares or shows it: the body that goes on has its digest. Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dataplane/contract/secret.hpp"
#include "mgmt/compile/model.hpp"
#include "mgmt/compile/problem.hpp"

namespace headgate::compile {

// Data can be a short password, and digests are no secret: a salt that only headgated can make (and makes
// again for the same data, so that the same PUT changes nothing) keeps others from trying out what it could
// be.
using SaltOf = std::function<std::string(const std::string& data)>;

inline bool has_write_only(db::Kind kind) {
  return kind == db::Kind::kCertificate || kind == db::Kind::kSecret;
}

struct Taken {
  std::string body;                        // as it is stored
  std::optional<contract::Secret> secret;  // what left it; nothing where the stored one is meant
  Problems problems;
};

// `body` is what REST brought and `resource` what parse_resource() made of it, without a problem; it gets the
// digest. `before`: what is there under this name now (null: nothing), whose secret stays where the body has
// none. A secret is never taken over from another object: who may write here may not know that one's.
Taken take_secret(const db::ObjectKey& key, const std::string& body, Resource& resource, const Entry* before,
                  const SaltOf& salt_of);

// The digest that the stored body names; nothing where it names none.
std::optional<std::string> secret_named_by(const Resource& resource);

}  // namespace headgate::compile
