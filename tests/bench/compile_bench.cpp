// SPDX-License-Identifier: Apache-2.0
// bench-uses: compile db contract
// What one changed route costs headgated when 1,000 to 100,000 are configured: parsing and checking it,
// compiling it for its node and writing the delta (Change), the same with the database's transaction (Write),
// and starting with all of them stored (Load). Bytes are those of the delta on the wire.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <benchmark/benchmark.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/assert.hpp"
#include "db/store/store.hpp"
#include "mgmt/compile/compiler.hpp"

namespace headgate::compile {
namespace {

using db::Kind;

std::string route_body(std::size_t i, std::size_t turn) {
  return R"({"listeners":["web"],"hostnames":["app-)" + std::to_string(i) +
         R"(.example.com"],"rules":[{"name":"all","matches":[{"path":{"type":"prefix","value":"/v)" +
         std::to_string(turn) + R"("}}],"forward":[{"pool":"app-)" + std::to_string(i % 1000) + R"("}]}]})";
}
db::ObjectKey route_key(std::size_t i) { return {Kind::kRoute, "default", "app-" + std::to_string(i)}; }

ProposedChange put(db::ObjectKey key, std::string body) {
  return {.key = std::move(key), .body = std::move(body), .precondition = {}};
}

class Site {
 public:
  explicit Site(std::size_t routes) {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-bench-XXXXXX").string();
    HG_ASSERT(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    store = std::make_unique<db::Store>(*db::Store::open(directory_ + "/headgate.db"));
    load();
    std::vector<ProposedChange> changes{
        put({Kind::kNode, "", "n1"}, "{}"), put({Kind::kShard, "", "edge"}, "{}"),
        put({Kind::kListener, "", "web"}, R"({"address":"192.0.2.1","port":80,"shard":"edge"})")};
    for (std::size_t i = 0; i < 1000; ++i)
      changes.push_back(
          put({Kind::kPool, "default", "app-" + std::to_string(i)},
              R"({"backends":[{"address":"10.0.0.1","port":80},{"address":"10.0.0.2","port":80}]})"));
    for (std::size_t i = 0; i < routes; ++i) changes.push_back(put(route_key(i), route_body(i, 0)));
    auto proposal = compiler->propose(changes);
    HG_ASSERT(proposal.problems.empty());
    compiler->commit(std::get<db::Committed>(store->write(proposal.write)));
  }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site() {
    compiler.reset();
    store.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  void load() {
    auto reader = store->reader();
    auto loaded = Compiler::load(*reader);
    HG_ASSERT(loaded.ok());
    compiler = std::make_unique<Compiler>(*std::move(loaded));
  }
  static Site& of(std::size_t routes) {  // filling the database is the slow part: once a size
    static std::map<std::size_t, std::unique_ptr<Site>> sites;
    auto& site = sites[routes];
    if (!site) site = std::make_unique<Site>(routes);
    return *site;
  }

  std::unique_ptr<db::Store> store;
  std::unique_ptr<Compiler> compiler;
  std::size_t turn = 0;

 private:
  std::string directory_;
};

// What the store would answer.
db::Committed committed_without_store(const Compiler& compiler, const db::Write& write) {
  db::Committed committed;
  committed.revision = compiler.revision() + 1;
  for (const auto& change : write.changes) {
    auto meta = compiler.model().find(change.key)->meta;
    meta.revision = committed.revision;
    committed.changed.push_back({change.key, meta, change.body});
  }
  return committed;
}

void change_one_route(benchmark::State& state, bool stored) {
  const auto routes = static_cast<std::size_t>(state.range(0));
  auto& site = Site::of(routes);
  site.load();
  std::size_t delta_bytes = 0;
  for (auto _ : state) {
    const auto i = ++site.turn % routes;
    auto proposal = site.compiler->propose({put(route_key(i), route_body(i, site.turn))});
    HG_ASSERT(proposal.problems.empty());
    const auto base = site.compiler->revision();
    if (stored)
      site.compiler->commit(std::get<db::Committed>(site.store->write(proposal.write)));
    else
      site.compiler->commit(committed_without_store(*site.compiler, proposal.write));
    delta_bytes = contract::encode(*site.compiler->delta_since("n1", base)).size();
  }
  state.counters["delta_bytes"] = static_cast<double>(delta_bytes);
}

void BM_Change(benchmark::State& state) { change_one_route(state, false); }
void BM_Write(benchmark::State& state) { change_one_route(state, true); }

void BM_Load(benchmark::State& state) {
  auto& site = Site::of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) site.load();
  state.counters["objects"] = static_cast<double>(site.compiler->snapshot("n1")->objects.size());
}

BENCHMARK(BM_Change)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Write)
    ->Iterations(300)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK(BM_Load)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace headgate::compile
