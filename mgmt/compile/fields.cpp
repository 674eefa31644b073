// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/fields.hpp"

#include <utility>

#include "dataplane/core/units.hpp"

namespace headgate::compile {
namespace {

constexpr std::size_t kLabelsMax = 64;
constexpr std::size_t kLabelBytesMax = 128;

// What a selector may hold without quoting.
bool is_label_text(std::string_view text) {
  return text.size() <= kLabelBytesMax &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
             std::string_view::npos;
}

// RFC 6901.
std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

std::string range_text(Bounds bounds, std::string (*format)(uint64_t)) {
  return "must be between " + format(bounds.min) + " and " + format(bounds.max);
}
std::string format_number(uint64_t value) { return std::to_string(value); }
std::string format_duration_ms(uint64_t value) {
  return format_duration(std::chrono::milliseconds(static_cast<int64_t>(value)));
}

}  // namespace

std::string one_of(std::span<const std::string_view> names) {
  std::string sentence = "must be one of ";
  for (std::size_t i = 0; i < names.size(); ++i) sentence.append(i == 0 ? "" : ", ").append(names[i]);
  return sentence;
}

Fields::Fields(const Json& object, std::string pointer, Faults& faults)
    : object_(object.is_object() ? &object : nullptr), pointer_(std::move(pointer)), faults_(faults) {
  if (!object_) faults_.add(pointer_, "wrong_type", "must be an object");
}

Fields::~Fields() {
  if (!object_) return;
  for (const auto& [name, value] : object_->items())
    if (!known_.contains(name))
      faults_.add(pointer(name), "unknown_field", "there is no field " + name + " here");
}

std::string Fields::pointer(std::string_view name) const { return pointer_ + "/" + escaped(name); }
bool Fields::has(std::string_view name) const { return object_ && object_->contains(name); }

void Fields::fault(std::string_view name, std::string code, std::string detail) {
  faults_.add(pointer(name), std::move(code), std::move(detail));
}

void Fields::pointless(std::string_view name, std::string code, std::string detail) {
  faults_.add_pointless(pointer(name), std::move(code), std::move(detail));
}

void Fields::require(std::string_view name) {
  if (object_ && !has(name)) faults_.add(pointer(name), "missing_field", std::string(name) + " is needed");
}

void Fields::refuse(std::string_view name, std::string detail) {
  if (take(name)) fault(name, "invalid_value", std::move(detail));
}

const Json* Fields::take(std::string_view name) {
  known_.emplace(name);
  if (!object_) return nullptr;
  const auto found = object_->find(name);
  return found == object_->end() ? nullptr : &*found;
}

const std::string* Fields::string(std::string_view name) {
  const auto* json = take(name);
  if (!json) return nullptr;
  if (json->is_string()) return json->get_ptr<const std::string*>();
  fault(name, "wrong_type", "must be a string");
  return nullptr;
}

void Fields::read(std::string_view name, bool& into) {
  const auto* json = take(name);
  if (!json) return;
  if (!json->is_boolean()) return fault(name, "wrong_type", "must be true or false");
  into = json->get<bool>();
}

void Fields::read(std::string_view name, std::string& into) {
  if (const auto* text = string(name)) into = *text;
}

void Fields::read(std::string_view name, std::vector<std::string>& into) {
  if (!has(name)) {
    take(name);
    return;
  }
  into.clear();
  each_string(name, [&](const std::string& text, const std::string&) { into.push_back(text); });
}

void Fields::read(std::string_view name, Labels& into) {
  const auto* json = take(name);
  if (!json) return;
  if (!json->is_object()) return fault(name, "wrong_type", "must be an object of strings");
  if (json->size() > kLabelsMax)
    return fault(name, "out_of_range", "has more than " + std::to_string(kLabelsMax) + " labels");
  for (const auto& [key, value] : json->items()) {
    const auto where = pointer(name) + "/" + escaped(key);
    if (!value.is_string())
      faults_.add(where, "wrong_type", "must be a string");
    else if (key.empty() || !is_label_text(key) || !is_label_text(value.get_ref<const std::string&>()))
      faults_.add(where, "invalid_value", "labels are up to 128 letters, digits and any of - _ . /");
    else
      into[key] = value.get_ref<const std::string&>();
  }
}

std::optional<uint64_t> Fields::integer(std::string_view name, Bounds bounds) {
  const auto* json = take(name);
  if (!json) return std::nullopt;
  if (!json->is_number_integer()) {
    fault(name, "wrong_type", "must be a whole number");
    return std::nullopt;
  }
  if (!json->is_number_unsigned() || json->get<uint64_t>() < bounds.min ||
      json->get<uint64_t>() > bounds.max) {
    fault(name, "out_of_range", range_text(bounds, format_number));
    return std::nullopt;
  }
  return json->get<uint64_t>();
}

std::optional<uint64_t> Fields::size_bytes(std::string_view name, Bounds bounds) {
  const auto* text = string(name);
  if (!text) return std::nullopt;
  const auto value = parse_size_bytes(*text);
  if (!value) {
    fault(name, "invalid_value", "must be a size, such as \"64Ki\", \"512Mi\" or \"4096\"");
    return std::nullopt;
  }
  if (*value < bounds.min || *value > bounds.max) {
    fault(name, "out_of_range", range_text(bounds, format_size_bytes));
    return std::nullopt;
  }
  return value;
}

void Fields::read_duration(std::string_view name, Bounds bounds_ms, contract::Millis& into) {
  const auto* text = string(name);
  if (!text) return;
  const auto value = parse_duration(*text);
  if (!value) return fault(name, "invalid_value", "must be a duration, such as \"250ms\", \"10s\" or \"5m\"");
  const auto count_ms = static_cast<uint64_t>(value->count());
  if (count_ms < bounds_ms.min || count_ms > bounds_ms.max)
    return fault(name, "out_of_range", range_text(bounds_ms, format_duration_ms));
  into = *value;
}

void Fields::read_duration(std::string_view name, Bounds bounds_ms, std::optional<contract::Millis>& into) {
  contract::Millis value{-1};
  read_duration(name, bounds_ms, value);
  if (value.count() >= 0) into = value;
}

void Fields::object(std::string_view name, const std::function<void(Fields&)>& read) {
  const auto* json = take(name);
  if (!json) return;
  Fields fields(*json, pointer(name), faults_);
  if (json->is_object()) read(fields);
}

void Fields::each_object(std::string_view name, const std::function<void(Fields&)>& read) {
  const auto* json = take(name);
  if (!json) return;
  if (!json->is_array()) return fault(name, "wrong_type", "must be an array");
  for (std::size_t i = 0; i < json->size(); ++i) {
    Fields fields((*json)[i], pointer(name) + "/" + std::to_string(i), faults_);
    read(fields);
  }
}

void Fields::each_string(std::string_view name,
                         const std::function<void(const std::string&, const std::string&)>& read) {
  const auto* json = take(name);
  if (!json) return;
  if (!json->is_array()) return fault(name, "wrong_type", "must be an array of strings");
  for (std::size_t i = 0; i < json->size(); ++i) {
    const auto where = pointer(name) + "/" + std::to_string(i);
    if ((*json)[i].is_string())
      read((*json)[i].get_ref<const std::string&>(), where);
    else
      faults_.add(where, "wrong_type", "must be a string");
  }
}

}  // namespace headgate::compile
