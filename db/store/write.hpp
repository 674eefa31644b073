// SPDX-License-Identifier: Apache-2.0
// What goes into Store::write and what comes out: one Write is one transaction and one revision, all or
// nothing. Bodies, references and claims come from mgmt/compile, which understands them; the database holds
// them together: names are unique, what is referred to exists at the end of the transaction, an address and
// port has one owner. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/core/result.hpp"
#include "db/store/allocation.hpp"
#include "db/store/object.hpp"
#include "db/store/sealed_secret.hpp"

namespace headgate::db {

// A place in the body that names another object, which therefore can't be deleted.
struct Reference {
  std::string pointer;  // JSON pointer in the body; empty: the namespace that the object lives in
  ObjectKey to;

  friend bool operator==(const Reference&, const Reference&) = default;
};

// The listening address that a listener takes. One owner an (address, port, transport); one listener a
// hostname there.
struct Claim {
  std::string address;
  uint16_t port = 0;
  std::string transport = "tcp";  // or "udp"
  std::string owner;              // "shard/NAME", or "pool/NAMESPACE/NAME"
  std::string hostname;           // empty: any

  friend bool operator==(const Claim&, const Claim&) = default;
};

struct Precondition {
  bool must_exist = false;                // DELETE, PATCH, If-Match: *
  bool must_not_exist = false;            // POST, If-None-Match: *
  std::optional<Revision> revision = {};  // If-Match: the object's meta.revision
};

struct Change {
  ObjectKey key;
  std::optional<std::string> body = {};  // nothing: delete it
  std::string uid;                       // of an object that is new; empty: the store makes one
  std::vector<Reference> references = {};
  std::optional<Claim> claim = {};
  std::optional<std::string> secret = {};  // digest that the body names: stored already, or in Write::secrets
  Precondition precondition;
};

struct Write {
  std::string author;   // "token/ci"
  std::string summary;  // "PUT /v1/listeners/web"
  std::vector<Change> changes = {};
  std::vector<AllocationKey> acquire = {};  // of a key that is held already: its number stays
  std::vector<AllocationKey> release = {};
  std::vector<SealedSecret> secrets = {};
  bool dry_run = false;  // all checks and the outcome, nothing stored
};

struct Committed {
  Revision revision = 0;                  // of a write that changes nothing: the one before
  std::vector<Object> changed = {};       // with their meta; without the changes whose body was there already
  std::vector<Allocation> acquired = {};  // one for each of Write::acquire, in its order
};

enum class ViolationCode : uint8_t {
  kNotFound,          // to be deleted or patched, but not there
  kExists,            // to be created, but there
  kPrecondition,      // If-Match does not hold
  kMissingReference,  // names what does not exist
  kReferenced,        // can't be deleted: others name it
  kAddressTaken,      // address and port belong to another shard
  kHostnameTaken,     // another listener there has the same hostname
  kExhausted,         // no number left in an allocation space
};

struct Violation {
  ViolationCode code = ViolationCode::kNotFound;
  std::optional<std::size_t> change = {};  // index in Write::changes
  std::string pointer;                     // in the change's body
  std::string detail;                      // a sentence
  std::vector<ObjectKey> others = {};      // what refers to it, what holds the address; at most kOthersMax
};
inline constexpr std::size_t kOthersMax = 20;

// Nothing was stored. Violations: kConflict, every one of them. Else the storage itself: kExhausted (disk
// full), kUnavailable (read-only, I/O error), kInternal; no violations, and the store goes on working.
struct Refused {
  Error error;
  std::vector<Violation> violations = {};
};

using WriteResult = std::variant<Committed, Refused>;

}  // namespace headgate::db
