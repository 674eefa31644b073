// SPDX-License-Identifier: Apache-2.0
// The stand-in for libFuzzer's main in the presets that are not built with it, so that GCC's sanitizers see
// the inputs too: feeds every file of a folder to a fuzzer's entry point, then as many mutations of them as
// asked for, the same ones in every run. An input that fails is written to stderr, as hexadecimal digits.
//   NAME_fuzz FOLDER [MUTATIONS]
#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t length_bytes);

namespace {

using Input = std::vector<uint8_t>;

constexpr std::size_t kInputBytesMax = 64u << 10;

const Input* running = nullptr;

// On SIGABRT: of an assertion, or of a sanitizer that has said what it found (abort_on_error=1).
void show_running(int) {
  if (!running) return;
  constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t byte : *running) {
    const std::array<char, 2> digits{kDigits[byte >> 4], kDigits[byte & 15]};
    if (::write(STDERR_FILENO, digits.data(), digits.size()) < 0) break;
  }
}

void run(const Input& input) {
  running = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
  running = nullptr;
}

std::vector<Input> read_corpus(const char* folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());  // the order of a folder is the file system's
  std::vector<Input> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Input>& corpus) : corpus_(corpus) {}

  Input next() {
    Input input = corpus_[below(corpus_.size())];
    for (std::size_t steps = 1 + below(4); steps > 0; --steps) change(input);
    input.resize(std::min(input.size(), kInputBytesMax));
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }  // the same with every library

  void change(Input& input) {
    // What parsers look for, and the ends of number ranges.
    static constexpr std::array<uint8_t, 16> kBytes{0,   1,   '\t', '\n', '\r', ' ',  '%',  ',',
                                                    '/', ':', ';',  '=',  0x7f, 0x80, 0xfe, 0xff};
    if (input.empty()) return input.push_back(kBytes[below(kBytes.size())]);
    const auto at = input.begin() + static_cast<std::ptrdiff_t>(below(input.size()));
    const auto end = at + 1 + static_cast<std::ptrdiff_t>(below(static_cast<std::size_t>(input.end() - at)));
    switch (below(6)) {
      case 0:
        *at ^= static_cast<uint8_t>(1u << below(8));
        return;
      case 1:
        *at = kBytes[below(kBytes.size())];
        return;
      case 2:
        input.insert(at, kBytes[below(kBytes.size())]);
        return;
      case 3:
        input.erase(at, end);
        return;
      case 4: {  // a part of itself once more
        const Input part(at, end);
        input.insert(end, part.begin(), part.end());
        return;
      }
      default: {  // the end of another one
        const Input& other = corpus_[below(corpus_.size())];
        input.erase(at, input.end());
        input.insert(input.end(), other.end() - static_cast<std::ptrdiff_t>(below(other.size() + 1)),
                     other.end());
        return;
      }
    }
  }

  const std::vector<Input>& corpus_;
  std::mt19937_64 random_{1};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto corpus = read_corpus(argv[1]);
  if (corpus.empty()) return 1;
  std::signal(SIGABRT, show_running);  // abort() ends the process all the same
  for (const auto& input : corpus) run(input);
  const long mutations = argc > 2 ? std::atol(argv[2]) : 0;
  Mutator mutator(corpus);
  for (long left = mutations; left > 0; --left) run(mutator.next());
  std::printf("%zu inputs, %ld mutations\n", corpus.size(), mutations);
  return 0;
}
