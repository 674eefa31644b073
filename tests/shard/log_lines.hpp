// SPDX-License-Identifier: Apache-2.0
// lines_of: what an access log has so far, a string a line. Thread: the test's.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace headgate::shard {

inline std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace headgate::shard
