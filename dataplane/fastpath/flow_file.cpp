// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/flow_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/l4/pipeline.hpp"

namespace headgate::fastpath {
namespace {

constexpr std::array<char, 8> kMagic{'h', 'g', 'f', 'l', 'o', 'w', 's', '\n'};

// "c1fe…-…", 36 letters: flows are dated by a clock that begins with the boot.
std::array<char, 36> boot_id() {
  std::array<char, 36> id{};
  std::ifstream("/proc/sys/kernel/random/boot_id").read(id.data(), id.size());
  return id;
}

}  // namespace

struct FlowFile::Header {
  std::array<char, 8> magic{};
  uint32_t layout = 0;
  uint32_t zero = 0;
  uint64_t flows = 0;
  std::array<uint16_t, 4> nat_ports{};  // first, last, worker, workers
  std::array<char, 36> boot{};
  uint32_t zero_too = 0;
  uint64_t secret = 0;
  int64_t touched_ns = 0;  // on the monotonic clock

  bool fits(const Header& wanted, TimePoint now) const {
    const Duration untouched = now - TimePoint(Duration(touched_ns));
    return magic == wanted.magic && layout == wanted.layout && flows == wanted.flows &&
           nat_ports == wanted.nat_ports && boot == wanted.boot && untouched >= Duration::zero() &&
           untouched <= kKeptFor;
  }
};

Result<FlowFile> FlowFile::open(const std::filesystem::path& path, const Shape& shape, uint64_t secret,
                                TimePoint now) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return system_error(errno, "opening " + path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorCode::kConflict, path.string() + " belongs to another headgate-l4 that runs"};
  const Header wanted{.magic = kMagic,
                      .layout = l4::Pipeline::kFlowLayout,
                      .flows = shape.flows,
                      .nat_ports = {shape.nat_ports.first, shape.nat_ports.last, shape.nat_ports.worker,
                                    shape.nat_ports.workers},
                      .boot = boot_id(),
                      .secret = secret,
                      .touched_ns = now.time_since_epoch().count()};
  Header found{};
  const bool fits =
      ::pread(fd.get(), &found, sizeof found, 0) == ssize_t{sizeof found} && found.fits(wanted, now);
  const auto bytes = static_cast<off_t>(l4::kHugePageBytes + l4::Pipeline::flow_file_bytes(shape.flows));
  // Emptied first: what is made longer again is zero.
  if ((!fits && ::ftruncate(fd.get(), 0) != 0) || ::ftruncate(fd.get(), bytes) != 0)
    return system_error(errno, "making room in " + path.string());
  // Now, since where the file system is full the packet path would be killed by its first flow.
  if (const int error = ::posix_fallocate(fd.get(), 0, bytes); error != 0)
    return system_error(error, "making room in " + path.string());
  void* mapped = ::mmap(nullptr, sizeof(Header), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) return system_error(errno, "mapping " + path.string());
  auto* header = static_cast<Header*>(mapped);
  if (!fits) *header = wanted;
  return FlowFile(std::move(fd), header, fits);
}

FlowFile::FlowFile(FlowFile&& other) noexcept
    : fd_(std::move(other.fd_)), header_(std::exchange(other.header_, nullptr)), found_(other.found_) {}

FlowFile::~FlowFile() {
  if (header_ != nullptr) ::munmap(header_, sizeof(Header));
}

uint64_t FlowFile::secret() const { return header_->secret; }
void FlowFile::touch(TimePoint now) { header_->touched_ns = now.time_since_epoch().count(); }

}  // namespace headgate::fastpath
