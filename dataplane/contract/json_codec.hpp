// SPDX-License-Identifier: Apache-2.0
// JsonWriter and JsonReader: walk any struct that lists its members in kFields. Writing cannot fail; reading
// checks every type and range and remembers the first fault with its JSON pointer. Private to codec.cpp.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/contract/bytes.hpp"
#include "dataplane/contract/capture.hpp"
#include "dataplane/contract/enum_names.hpp"
#include "dataplane/contract/message.hpp"
#include "dataplane/core/base64.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/result.hpp"

namespace headgate::contract {

using Json = nlohmann::json;

template <typename T>
concept HasFields = requires {
  T::kFields;
};
template <typename T>
concept NamedEnum = std::is_enum_v<T>;
template <typename T>
concept Integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// --- write
// ---------------------------------------------------------------------------------------------------

inline Json to_json(bool value) { return value; }
inline Json to_json(const std::string& value) { return value; }
inline Json to_json(const Bytes& value) { return to_base64(value.value); }
inline Json to_json(Millis value) { return value.count(); }
inline Json to_json(const IpAddress& value) { return value.to_string(); }
inline Json to_json(const Prefix& value) { return value.to_string(); }
inline Json to_json(const Endpoint& value) { return value.to_string(); }
template <Integer T>
Json to_json(T value) {
  return value;
}
template <NamedEnum T>
Json to_json(T value) {
  return name_of(value);
}
Json to_json(const ObjectKey& key);
Json to_json(const Upsert& upsert);
Json to_json(const Delta& delta);
Json to_json(const Configure& configure);
Json to_json(const NodeUpdate& update);
template <HasFields T>
Json to_json(const T& value);

template <typename T>
Json to_json(const std::vector<T>& values) {
  Json array = Json::array();
  for (const auto& value : values) array.push_back(to_json(value));
  return array;
}
inline Json to_json(const std::map<std::string, std::string>& values) {
  Json object = Json::object();
  for (const auto& [key, value] : values) object[key] = value;
  return object;
}

// An absent optional is an absent key.
template <HasFields T>
Json to_json(const T& value) {
  Json object = Json::object();
  const auto put = [&](const auto& field) {
    const auto& member = value.*field.member;
    if constexpr (requires { member.has_value(); }) {
      if (member.has_value()) object[std::string(field.name)] = to_json(*member);
    } else {
      object[std::string(field.name)] = to_json(member);
    }
  };
  std::apply([&](const auto&... fields) { (put(fields), ...); }, T::kFields);
  return object;
}

// --- read
// ----------------------------------------------------------------------------------------------------

class JsonReader {
 public:
  bool failed() const { return error_.has_value(); }
  Error error() && { return std::move(*error_); }
  void fail(std::string_view expected) {
    if (!error_)
      error_ =
          Error{ErrorCode::kInvalid, (path_.empty() ? "/" : path_) + ": expected " + std::string(expected)};
  }

  // Reads one member of an object below its own pointer.
  template <typename T>
  void member(const Json& object, std::string_view name, T& into) {
    const auto found = object.find(name);
    if (found == object.end()) return;  // its default stays
    const auto parent_bytes = path_.size();
    path_.append("/").append(name);
    if constexpr (requires { into.has_value(); }) {
      read(*found, into.emplace());
    } else {
      read(*found, into);
    }
    path_.resize(parent_bytes);
  }

  void read(const Json& json, bool& into) {
    if (!json.is_boolean()) return fail("true or false");
    into = json.get<bool>();
  }
  void read(const Json& json, std::string& into) {
    if (!json.is_string()) return fail("a string");
    into = json.get_ref<const std::string&>();
  }
  void read(const Json& json, Bytes& into) {
    auto bytes = json.is_string() ? from_base64(json.get_ref<const std::string&>()) : std::nullopt;
    if (!bytes) return fail("base64");
    into.value = *std::move(bytes);
  }
  void read(const Json& json, Millis& into) {
    int64_t count = 0;
    read(json, count);
    into = Millis(count);
  }
  template <typename T>
  requires std::is_same_v<T, IpAddress> || std::is_same_v<T, Prefix> || std::is_same_v<T, Endpoint>
  void read(const Json& json, T& into) {
    const auto parsed = json.is_string() ? T::parse(json.get_ref<const std::string&>()) : std::nullopt;
    if (!parsed) return fail("an IP address, prefix or endpoint");
    into = *parsed;
  }
  template <Integer T>
  void read(const Json& json, T& into) {
    const bool fits = json.is_number_unsigned()
                          ? std::in_range<T>(json.get<uint64_t>())
                          : json.is_number_integer() && std::in_range<T>(json.get<int64_t>());
    if (!fits) return fail("an integer of " + std::to_string(8 * sizeof(T)) + " bits");
    into = json.get<T>();
  }
  template <NamedEnum T>
  void read(const Json& json, T& into) {
    const auto parsed = json.is_string() ? parse_enum<T>(json.get_ref<const std::string&>()) : std::nullopt;
    if (!parsed) return fail("one of the names of this enumeration");
    into = *parsed;
  }
  template <typename T>
  void read(const Json& json, std::vector<T>& into) {
    if (!json.is_array()) return fail("an array");
    into.clear();
    into.reserve(json.size());
    const auto parent_bytes = path_.size();
    for (const auto& element : json) {
      path_.append("/").append(std::to_string(into.size()));
      read(element, into.emplace_back());
      path_.resize(parent_bytes);
    }
  }
  void read(const Json& json, std::map<std::string, std::string>& into) {
    if (!json.is_object()) return fail("an object");
    for (const auto& [key, value] : json.items()) read(value, into[key]);
  }
  template <HasFields T>
  void read(const Json& json, T& into) {
    if (!json.is_object()) return fail("an object");
    std::apply([&](const auto&... fields) { (member(json, fields.name, into.*fields.member), ...); },
               T::kFields);
  }
  void read(const Json& json, Upsert& into);
  void read(const Json& json, ObjectKey& into);
  void read(const Json& json, Delta& into);
  void read(const Json& json, NodeUpdate& into);

 private:
  std::string path_;
  std::optional<Error> error_;
};

}  // namespace headgate::contract
