// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/state_store.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "dataplane/core/durable_file.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/node/state_records.hpp"

namespace headgate::node {
namespace {

// Below this a compaction costs more than the replay that it saves.
constexpr std::size_t kLogBytesBeforeCompaction = 1u << 20;

Result<void> write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(errno, "writing " + name);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<contract::Snapshot> StateStore::load() {
  auto base = read_file(directory_ / "snapshot.base");
  auto log = read_file(directory_ / "snapshot.log");
  if (!base.ok() && base.error().code != ErrorCode::kNotFound) return std::move(base).error();
  if (!log.ok() && log.error().code != ErrorCode::kNotFound) return std::move(log).error();
  LoadedState state;
  if (base.ok()) {
    auto loaded = load_state(*base, log.ok() ? std::string_view(*log) : std::string_view());
    if (loaded.ok()) {
      state = std::move(*loaded);
      base_bytes_ = base->size();
      base_checksum_ = state.base_checksum;
    } else {
      state.warning = "the state on disk is unusable and ignored, headgated will be asked for all of it: " +
                      loaded.error().message;
    }
  }
  if (!state.warning.empty()) log::warning(state.warning);
  if (auto opened = open_log(state.log_good_bytes); !opened.ok()) return std::move(opened).error();
  return std::move(state.snapshot);
}

Result<void> StateStore::append(const contract::Delta& delta, const contract::Snapshot& snapshot) {
  // Without a base a log means nothing, and a full snapshot is one.
  if (delta.base == 0 || base_bytes_ == 0) return write_base(snapshot);
  const auto record = encode_log_record(delta, base_checksum_);
  if (auto written = write_all(log_.get(), record, "snapshot.log"); !written.ok()) {
    // Half a record in the middle would hide all that come after it.
    if (auto reopened = open_log(log_bytes_); !reopened.ok()) log::error(reopened.error().message);
    return written;
  }
  // On its way to the disk, and not waited for: a process that dies loses nothing, a machine that does some
  // seconds, which headgated sends again. The node's loop stands still for no disk.
  if (::sync_file_range(log_.get(), 0, 0, SYNC_FILE_RANGE_WRITE) != 0)
    return system_error(errno, "syncing snapshot.log");
  log_bytes_ += record.size();
  if (log_bytes_ > std::max(base_bytes_, kLogBytesBeforeCompaction)) return write_base(snapshot);
  return {};
}

Result<void> StateStore::write_base(const contract::Snapshot& snapshot) {
  const auto base = encode_base(snapshot);
  const auto path = directory_ / "snapshot.base";
  if (auto written = write_file_durably(path, base.record, 0600); !written.ok()) return written;
  base_bytes_ = base.record.size();
  base_checksum_ = base.checksum;
  return open_log(0);
}

Result<void> StateStore::open_log(std::size_t keep_bytes) {
  const auto path = directory_ / "snapshot.log";
  log_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_) return system_error(errno, "opening " + path.string());
  if (::ftruncate(log_.get(), static_cast<off_t>(keep_bytes)) != 0 || ::fsync(log_.get()) != 0)
    return system_error(errno, "truncating " + path.string());
  log_bytes_ = keep_bytes;
  return {};
}

}  // namespace headgate::node
