// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/path.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/core/ascii.hpp"

namespace headgate::l7 {
namespace {

enum class CharClass : uint8_t { kRefused, kPlain, kUnreserved, kPercent, kBackslash };

// Printable ASCII beyond RFC 3986's pchar (such as "|" and "[") is let through as it is: browsers send it.
constexpr std::array<CharClass, 256> classify() {
  std::array<CharClass, 256> classes{};
  for (int c = 0x21; c < 0x7f; ++c) classes[c] = CharClass::kPlain;
  for (int c = '0'; c <= '9'; ++c) classes[c] = CharClass::kUnreserved;
  for (int c = 'A'; c <= 'Z'; ++c) classes[c] = classes[c + 32] = CharClass::kUnreserved;
  for (const char c : {'-', '.', '_', '~'}) classes[static_cast<unsigned char>(c)] = CharClass::kUnreserved;
  classes['#'] = classes['?'] = CharClass::kRefused;
  classes['%'] = CharClass::kPercent;
  classes['\\'] = CharClass::kBackslash;
  return classes;
}
constexpr auto kClasses = classify();

CharClass class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

// What the segment would be to a reader that ends it at a parameter (";" or its escape) or an escaped slash.
bool reads_as_dots(std::string_view part) { return part == "." || part == ".."; }

// Of one segment whose unreserved characters are decoded.
PathFault check_segment(std::string_view segment) {
  std::size_t part_begin = 0;
  for (std::size_t at = 0; at < segment.size(); ++at) {
    const bool escaped = segment[at] == '%';
    const auto escape = escaped ? segment.substr(at, 3) : std::string_view{};
    const bool slash = escape == "%2F";
    const bool parameter = segment[at] == ';' || escape == "%3B";
    if (!slash && !parameter) continue;
    if (reads_as_dots(segment.substr(part_begin, at - part_begin)))
      return slash ? PathFault::kEscapedSlash : PathFault::kDotParameters;
    // Past a parameter nothing is a dot segment to anyone until the next slash.
    if (slash) part_begin = at + 3;
    if (parameter) {
      const auto next_slash = segment.find("%2F", at);
      if (next_slash == std::string_view::npos) return PathFault::kNone;
      part_begin = next_slash + 3;
      at = next_slash;
    }
    if (escaped) at += 2;
  }
  if (part_begin != 0 && reads_as_dots(segment.substr(part_begin))) return PathFault::kEscapedSlash;
  return PathFault::kNone;
}

// Whether `raw` is normal as it stands, which nearly every path is: no escape, no dot at a segment's start
// (which covers dot segments and their parameters).
bool is_plainly_normal(std::string_view raw) {
  if (raw.empty() || raw[0] != '/') return false;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    const auto kind = class_of(raw[at]);
    if (kind != CharClass::kPlain && kind != CharClass::kUnreserved) return false;
    if (raw[at] == '.' && raw[at - 1] == '/') return false;
  }
  return true;
}

// Writes `raw` with escapes in their one form; returns the end of what was written. Never longer than raw.
struct Decoded {
  PathFault fault = PathFault::kNone;
  char* end = nullptr;
};
Decoded decode_escapes(std::string_view raw, EscapedSlash escaped_slash, char* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (std::size_t at = 0; at < raw.size(); ++at) {
    switch (class_of(raw[at])) {
      case CharClass::kRefused:
        return {PathFault::kBadCharacter, out};
      case CharClass::kBackslash:
        return {PathFault::kBackslash, out};
      case CharClass::kPlain:
      case CharClass::kUnreserved:
        *out++ = raw[at];
        continue;
      case CharClass::kPercent:
        break;
    }
    const int high = at + 2 < raw.size() ? ascii::hex_digit(raw[at + 1]) : -1;
    const int low = at + 2 < raw.size() ? ascii::hex_digit(raw[at + 2]) : -1;
    if (high < 0 || low < 0) return {PathFault::kBadEscape, out};
    const char value = static_cast<char>(high << 4 | low);
    if (value == '\0') return {PathFault::kEscapedNul, out};
    if (value == '\\') return {PathFault::kBackslash, out};
    if (value == '/' && escaped_slash == EscapedSlash::kRefuse) return {PathFault::kEscapedSlash, out};
    at += 2;
    if (class_of(value) == CharClass::kUnreserved) {
      *out++ = value;
      continue;
    }
    *out++ = '%';
    *out++ = kHex[high];
    *out++ = kHex[low];
  }
  return {PathFault::kNone, out};
}

}  // namespace

NormalPath normalise_path(std::string_view raw, EscapedSlash escaped_slash, Arena& arena) {
  if (is_plainly_normal(raw)) return {PathFault::kNone, raw};
  if (raw.empty() || raw[0] != '/') return {PathFault::kNotAbsolute, {}};
  char* const begin = arena.allocate(raw.size());
  const auto decoded = decode_escapes(raw, escaped_slash, begin);
  if (decoded.fault != PathFault::kNone) return {decoded.fault, {}};

  // RFC 3986 section 5.2.4 in place: what is written never overtakes what is read. `out` stands after a "/".
  char* out = begin + 1;
  const char* in = begin + 1;
  for (;;) {
    const char* segment_end = std::find(in, static_cast<const char*>(decoded.end), '/');
    const std::string_view segment(in, static_cast<std::size_t>(segment_end - in));
    const bool last = segment_end == decoded.end;
    if (segment == "..") {
      if (out - begin > 1) --out;
      while (out[-1] != '/') --out;
    } else if (segment != ".") {
      if (const auto fault = check_segment(segment); fault != PathFault::kNone) return {fault, {}};
      std::memmove(out, segment.data(), segment.size());
      out += segment.size();
      if (!last) *out++ = '/';
    }
    if (last) break;
    in = segment_end + 1;
  }
  arena.shrink_last(out);
  return {PathFault::kNone, {begin, static_cast<std::size_t>(out - begin)}};
}

}  // namespace headgate::l7
