// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/compiler.hpp"

#include <algorithm>
#include <set>

#include "dataplane/core/assert.hpp"
#include "mgmt/compile/check.hpp"
#include "mgmt/compile/outputs.hpp"
#include "mgmt/compile/parse.hpp"

namespace headgate::compile {
namespace {

using HeldKeys = std::set<db::AllocationKey>;

HeldKeys required_by(const Model& model, const db::ObjectKey& holder) {
  const auto* entry = model.find(holder);
  if (!entry) return {};
  const auto keys = required_allocations(model, *entry);
  return {keys.begin(), keys.end()};
}

// The shards, and the listeners that end on a pool, whose allocations an object has a say in.
void add_holders(const Model& model, const Entry* entry, Keys& into) {
  if (!entry) return;
  if (entry->key.kind == db::Kind::kShard) into.insert(entry->key);
  if (entry->key.kind == db::Kind::kPool)
    for (const auto* listener : model.referrers(entry->key, db::Kind::kListener)) into.insert(listener->key);
  if (entry->key.kind != db::Kind::kListener) return;
  into.insert(entry->key);
  const auto& shard = entry->as<Listener>().shard;
  if (!shard.empty()) into.insert({db::Kind::kShard, "", shard});
}

}  // namespace

struct Compiler::State {
  struct Undo {
    db::ObjectKey key;
    std::optional<Entry> before;
  };

  void apply(const ProposedChange& change, std::optional<Resource> resource, Proposal& proposal);
  void plan_allocations(db::Write& write);

  SaltOf salt_of;
  Model model;
  Numbers numbers;
  std::map<db::ObjectKey, HeldKeys> held;  // by shard or listener
  Outputs outputs;
  contract::Revision revision = 0;

  // Of the open proposal:
  bool open = false;
  std::vector<Undo> undo;
  Keys changed;
  Keys touched_holders;
  std::vector<db::AllocationKey> release;
};

Compiler::Compiler(std::unique_ptr<State> state) : state_(std::move(state)) {}
Compiler::Compiler(Compiler&&) noexcept = default;
Compiler& Compiler::operator=(Compiler&&) noexcept = default;
Compiler::~Compiler() = default;

Result<Compiler> Compiler::load(db::Reader& reader, CompilerOptions options) {
  auto state = std::make_unique<State>();
  state->salt_of = std::move(options.salt_of);
  state->model.set_ticket_secret(std::move(options.ticket_secret));
  Problems problems;
  Keys all;
  const auto read = reader.each_object([&](db::Object object) {
    auto parsed = parse_resource(object.key, *object.body);
    if (!parsed.resource) {
      std::move(parsed.problems.begin(), parsed.problems.end(), std::back_inserter(problems));
      return;
    }
    all.insert(object.key);
    state->model.put({.key = object.key,
                      .meta = std::move(object.meta),
                      .resource = std::make_shared<const Resource>(*std::move(parsed.resource))});
  });
  if (!read.ok()) return read.error();
  if (!problems.empty())
    return Error{ErrorCode::kInvalid, "stored " + problems[0].object.to_string() + " is not understood at " +
                                          problems[0].pointer + ": " + problems[0].detail +
                                          ": was it written by a newer headgated?"};
  auto allocations = reader.allocations();
  if (!allocations.ok()) return std::move(allocations).error();
  for (auto& [key, number] : *allocations) state->numbers.emplace(std::move(key), number);
  for (const auto kind : {db::Kind::kShard, db::Kind::kListener})
    for (const auto* holder : state->model.all(kind))
      if (auto keys = required_by(state->model, holder->key); !keys.empty())
        state->held.emplace(holder->key, std::move(keys));
  state->revision = reader.revision();
  state->outputs.update(state->model, state->numbers, all, state->revision);
  return Compiler(std::move(state));
}

void Compiler::State::apply(const ProposedChange& change, std::optional<Resource> resource,
                            Proposal& proposal) {
  const auto* before = model.find(change.key);
  undo.push_back({change.key, before ? std::optional(*before) : std::nullopt});
  changed.insert(change.key);
  add_holders(model, before, touched_holders);
  db::Change out{.key = change.key,
                 .body = change.body,
                 .uid = before ? before->meta.uid : "",
                 .references = {},
                 .claim = {},
                 .secret = {},
                 .precondition = change.precondition};
  if (resource && has_write_only(change.key.kind)) {
    auto taken = take_secret(change.key, *change.body, *resource, before, salt_of);
    std::move(taken.problems.begin(), taken.problems.end(), std::back_inserter(proposal.problems));
    out.body = std::move(taken.body);
    if (taken.secret) proposal.secrets.push_back(*std::move(taken.secret));
    out.secret = secret_named_by(*resource);
  }
  if (resource) {
    out.references = references_of(change.key, *resource);
    out.claim = claim_of(*resource);
    auto meta = before ? before->meta : db::ObjectMeta{};
    if (!before) meta.uid = out.uid = db::new_uid();
    model.put({.key = change.key,
               .meta = meta,
               .resource = std::make_shared<const Resource>(*std::move(resource))});
    add_holders(model, model.find(change.key), touched_holders);
  } else {
    model.remove(change.key);
  }
  proposal.write.changes.push_back(std::move(out));
}

void Compiler::State::plan_allocations(db::Write& write) {
  // All together: a listener may take what another one leaves.
  HeldKeys needed, before;
  for (const auto& holder : touched_holders) {
    needed.merge(required_by(model, holder));
    if (const auto known = held.find(holder); known != held.end())
      before.insert(known->second.begin(), known->second.end());
  }
  std::set_difference(needed.begin(), needed.end(), before.begin(), before.end(),
                      std::back_inserter(write.acquire));
  std::set_difference(before.begin(), before.end(), needed.begin(), needed.end(),
                      std::back_inserter(write.release));
  release = write.release;
}

Proposal Compiler::propose(const std::vector<ProposedChange>& changes) {
  HG_ASSERT(!state_->open);
  state_->open = true;
  Proposal proposal;
  Keys seen;
  for (const auto& change : changes) {
    if (!seen.insert(change.key).second) {
      proposal.problems.push_back({change.key, "", "duplicate", "is changed twice in one write", false});
      continue;
    }
    std::optional<Resource> resource;
    if (change.body) {
      auto parsed = parse_resource(change.key, *change.body);
      const bool refused = !parsed.problems.empty();
      std::move(parsed.problems.begin(), parsed.problems.end(), std::back_inserter(proposal.problems));
      if (refused) continue;
      resource = std::move(parsed.resource);
    } else if (!state_->model.find(change.key)) {
      // Nothing to check; the store says that it is not there, if the caller minds.
      proposal.write.changes.push_back({.key = change.key,
                                        .body = {},
                                        .uid = "",
                                        .references = {},
                                        .claim = {},
                                        .secret = {},
                                        .precondition = change.precondition});
      continue;
    }
    state_->apply(change, std::move(resource), proposal);
  }
  auto related = check(state_->model, state_->changed);
  std::move(related.begin(), related.end(), std::back_inserter(proposal.problems));
  state_->plan_allocations(proposal.write);
  return proposal;
}

void Compiler::revert() {
  HG_ASSERT(state_->open);
  for (auto undo = state_->undo.rbegin(); undo != state_->undo.rend(); ++undo) {
    if (undo->before)
      state_->model.put(*std::move(undo->before));
    else
      state_->model.remove(undo->key);
  }
  state_->undo.clear();
  state_->changed.clear();
  state_->touched_holders.clear();
  state_->release.clear();
  state_->open = false;
}

std::vector<std::string> Compiler::commit(const db::Committed& committed) {
  HG_ASSERT(state_->open);
  for (const auto& object : committed.changed)
    if (object.body) state_->model.set_meta(object.key, object.meta);
  for (const auto& [key, number] : committed.acquired) state_->numbers.insert_or_assign(key, number);
  for (const auto& key : state_->release) state_->numbers.erase(key);
  for (const auto& holder : state_->touched_holders) {
    auto needed = required_by(state_->model, holder);
    if (needed.empty())
      state_->held.erase(holder);
    else
      state_->held.insert_or_assign(holder, std::move(needed));
  }
  state_->revision = committed.revision;
  auto nodes = state_->outputs.update(state_->model, state_->numbers, state_->changed, state_->revision);
  state_->undo.clear();
  state_->changed.clear();
  state_->touched_holders.clear();
  state_->release.clear();
  state_->open = false;
  return nodes;
}

contract::Revision Compiler::revision() const { return state_->revision; }
const Model& Compiler::model() const { return state_->model; }
const Numbers& Compiler::numbers() const { return state_->numbers; }
const contract::Snapshot* Compiler::snapshot(const std::string& node) const {
  return state_->outputs.snapshot(node);
}
std::optional<contract::Delta> Compiler::delta_since(const std::string& node, contract::Revision base) const {
  return state_->outputs.delta_since(node, base);
}

}  // namespace headgate::compile
