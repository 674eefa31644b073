// SPDX-License-Identifier: Apache-2.0
// bench-uses: shard
// What a line of the access log costs: as without any setting, with few fields, with headers; and what it
// costs to pick those out of a request.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "dataplane/shard/log_format.hpp"

namespace headgate::shard {
namespace {

using contract::LogField;

AccessRecord usual_record() {
  AccessRecord record;
  record.time = "2026-11-23T08:00:00.000Z";
  record.request_id = "0af7651916cd43dd8448eb211c80319c";
  record.client = "198.51.100.7";
  record.listener = "web";
  record.protocol = "http/1.1";
  record.method = "GET";
  record.host = "app.example.com";
  record.path = "/api/v1/customers/4711/orders";
  record.query = "page=2";
  record.status = 200;
  record.sent_bytes = 1234;
  record.duration = std::chrono::microseconds(812);
  record.until_response = std::chrono::microseconds(640);
  record.namespace_name = "default";
  record.route = "app";
  record.rule = "all";
  record.backend = "10.0.1.2:8080";
  record.tries = 1;
  record.ending = "completed";
  return record;
}

l7::Headers usual_headers() {
  l7::Headers headers;
  for (const auto& [name, value] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
           {"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
           {"accept-language", "en-US,en;q=0.5"},
           {"accept-encoding", "gzip, deflate, br, zstd"},
           {"referer", "https://app.example.com/start"},
           {"cookie", "session=0af7651916cd43dd8448eb211c80319c"}})
    headers.add({name, value, l7::header_id(name)});
  return headers;
}

void write_lines(benchmark::State& state, const LogFormat& format, const AccessRecord& record) {
  constexpr std::size_t kPieceBytes = 64u << 10;
  std::string lines;
  lines.reserve(2 * kPieceBytes);
  for (auto _ : state) {
    format.append_line(record, lines);
    if (lines.size() >= kPieceBytes) lines.clear();
  }
}

void line_of_everything(benchmark::State& state) { write_lines(state, LogFormat(), usual_record()); }
BENCHMARK(line_of_everything);

void line_of_six_fields(benchmark::State& state) {
  contract::ShardSettings settings;
  settings.access_log_fields = {LogField::kTime, LogField::kClient, LogField::kMethod,
                                LogField::kPath, LogField::kStatus, LogField::kDurationUs};
  write_lines(state, LogFormat(settings), usual_record());
}
BENCHMARK(line_of_six_fields);

void line_with_two_headers(benchmark::State& state) {
  auto record = usual_record();
  Arena arena;
  l7::Headers picked;
  l7::LoggedHeaders({"referer", "user-agent"}).pick(usual_headers(), arena, picked);
  record.request_headers = &picked;
  write_lines(state, LogFormat(), record);
}
BENCHMARK(line_with_two_headers);

void pick(benchmark::State& state, const std::vector<std::string>& names) {
  const l7::LoggedHeaders logged(names);
  const auto headers = usual_headers();
  Arena arena;
  l7::Headers picked;
  for (auto _ : state) {
    picked.clear();
    logged.pick(headers, arena, picked);
    arena.reset();
  }
}
BENCHMARK_CAPTURE(pick, nothing, {});
BENCHMARK_CAPTURE(pick, two_of_six, {"referer", "user-agent"});

}  // namespace
}  // namespace headgate::shard
