// SPDX-License-Identifier: Apache-2.0
// Fields: reads one JSON object member by member into typed values, and reports everything that is wrong with
// its JSON pointer: missing, of a wrong type, out of range, unknown. A faulty member leaves its default, so
// reading goes on to the next fault. Private to the parse_*.cpp files. Pure; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/contract/enum_names.hpp"
#include "dataplane/contract/objects.hpp"
#include "mgmt/compile/problem.hpp"
#include "mgmt/compile/resources.hpp"

namespace headgate::compile {

using Json = nlohmann::json;

// Where the faults of one object's body go.
class Faults {
 public:
  Faults(db::ObjectKey object, Problems& problems) : object_(std::move(object)), problems_(problems) {}
  void add(std::string pointer, std::string code, std::string detail) {
    problems_.push_back({object_, std::move(pointer), std::move(code), std::move(detail), false});
  }
  void add_pointless(std::string pointer, std::string code, std::string detail) {
    add(std::move(pointer), std::move(code), std::move(detail));
    problems_.back().pointless = true;
  }

 private:
  db::ObjectKey object_;
  Problems& problems_;
};

struct Bounds {
  uint64_t min = 0;
  uint64_t max = 0;
};
constexpr uint64_t kSecondMs = 1'000;
constexpr uint64_t kHourMs = 3'600 * kSecondMs;
constexpr uint64_t kWeightMax = 1'000'000;  // the Gateway API's

// "must be one of zstd, br, gzip"
std::string one_of(std::span<const std::string_view> names);

class Fields {
 public:
  Fields(const Json& object, std::string pointer, Faults& faults);
  // Reports the members that nobody asked for.
  ~Fields();
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  bool has(std::string_view name) const;
  std::string pointer(std::string_view name) const;
  void fault(std::string_view name, std::string code, std::string detail);
  void pointless(std::string_view name, std::string code, std::string detail);  // Problem::pointless
  // Reports where the member is absent.
  void require(std::string_view name);
  // Reports where the member is there: something else that the object says leaves no use for it.
  void refuse(std::string_view name, std::string detail);

  void read(std::string_view name, bool& into);
  void read(std::string_view name, std::string& into);
  void read(std::string_view name, std::vector<std::string>& into);
  void read(std::string_view name, Labels& into);
  template <typename T>
  void read_integer(std::string_view name, Bounds bounds, T& into) {
    if (const auto value = integer(name, bounds)) into = static_cast<T>(*value);
  }
  template <typename T>
  void read_size(std::string_view name, Bounds bounds, T& into) {
    if (const auto value = size_bytes(name, bounds)) into = static_cast<T>(*value);
  }
  void read_duration(std::string_view name, Bounds bounds_ms, contract::Millis& into);
  void read_duration(std::string_view name, Bounds bounds_ms, std::optional<contract::Millis>& into);
  template <typename E>
  void read_enum(std::string_view name, E& into) {
    const auto* text = string(name);
    if (!text) return;
    if (const auto value = contract::parse_enum<E>(*text))
      into = *value;
    else
      fault(name, "invalid_value", one_of(contract::EnumNames<E>::kNames));
  }

  // Calls with the members of the object, or with each of the array's objects, or with each of its strings.
  void object(std::string_view name, const std::function<void(Fields&)>& read);
  void each_object(std::string_view name, const std::function<void(Fields&)>& read);
  void each_string(std::string_view name,
                   const std::function<void(const std::string& text, const std::string& pointer)>& read);
  // The member's text; null where it is absent or no string.
  const std::string* string(std::string_view name);
  Faults& faults() { return faults_; }

 private:
  const Json* take(std::string_view name);
  std::optional<uint64_t> integer(std::string_view name, Bounds bounds);
  std::optional<uint64_t> size_bytes(std::string_view name, Bounds bounds);

  const Json* object_;  // null where the value is no object
  std::string pointer_;
  Faults& faults_;
  std::set<std::string, std::less<>> known_;
};

// One resource each; the default stays where a member is faulty.
Node parse_node(Fields& fields);
Shard parse_shard(Fields& fields);
Listener parse_listener(Fields& fields);
Namespace parse_namespace(Fields& fields);
Route parse_route(Fields& fields, const std::string& namespace_name);
Pool parse_pool(Fields& fields, const std::string& namespace_name);
Certificate parse_certificate(Fields& fields);
Secret parse_secret(Fields& fields);
Policy parse_policy(Fields& fields, const std::string& namespace_name);  // empty: it is global

}  // namespace headgate::compile
