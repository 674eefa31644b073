// SPDX-License-Identifier: Apache-2.0
// ClientHellos as bytes, made by hand so that every part can be wrong. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::testing_support {

inline std::string number(std::size_t value, std::size_t width) {
  std::string bytes;
  for (std::size_t i = width; i-- > 0;) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}
inline std::string vector(std::string_view content, std::size_t width) {
  return number(content.size(), width) + std::string(content);
}

inline std::string extension(std::size_t type, std::string_view content) {
  return number(type, 2) + vector(content, 2);
}
inline std::string host_name(std::string_view name, std::size_t type = 0) {
  return number(type, 1) + vector(name, 2);
}
inline std::string server_name_extension(std::string_view entries) {
  return extension(0, vector(entries, 2));
}
inline std::string alpn_extension(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += vector(name, 1);
  return extension(16, vector(list, 2));
}

struct HelloParts {
  uint8_t message = 1;
  std::string version = "\x03\x03";
  std::string session_id = std::string(32, 's');
  std::string ciphers = "\x13\x01\x13\x02";
  std::string compressions = std::string(1, '\0');
  std::optional<std::string> extensions = "";  // nothing: not even their length
  std::string behind = "";
};
// The message, without records.
inline std::string hello_message(const HelloParts& parts) {
  std::string body = parts.version + std::string(32, 'r') + vector(parts.session_id, 1) +
                     vector(parts.ciphers, 2) + vector(parts.compressions, 1);
  if (parts.extensions) body += vector(*parts.extensions, 2);
  body += parts.behind;
  return number(parts.message, 1) + vector(body, 3);
}

inline std::string record(std::string_view content, uint8_t type = 22) {
  return number(type, 1) + "\x03\x01" + vector(content, 2);
}
// In records of that many bytes each.
inline std::string records(std::string_view message, std::size_t each) {
  std::string bytes;
  for (std::size_t at = 0; at < message.size(); at += each) bytes += record(message.substr(at, each));
  return bytes;
}

// As a client would send it; without a name where that is empty.
inline std::string client_hello(std::string_view name) {
  HelloParts parts;
  if (!name.empty()) parts.extensions = server_name_extension(host_name(name));
  return record(hello_message(parts));
}

}  // namespace headgate::testing_support
