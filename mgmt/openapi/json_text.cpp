// SPDX-License-Identifier: Apache-2.0
#include "mgmt/openapi/json_text.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/core/limits.hpp"

namespace headgate::openapi {
namespace {

using Json = nlohmann::json;

// Watches the parser; the first thing that is wrong stops it. Keeps the path, to say where.
class Guard {
 public:
  explicit Guard(const JsonBounds& bounds) : bounds_(bounds) {}

  bool operator()(int, Json::parse_event_t event, Json& value) {
    switch (event) {
      case Json::parse_event_t::key:
        return on_key(value.get_ref<const std::string&>());
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        levels_.emplace_back();
        if (levels_.size() > limits::kApiJsonDepthMax) stop("too_deep", "This is nested too deeply.");
        return count_value();
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        levels_.pop_back();
        return true;
      case Json::parse_event_t::value:
        if (value.is_string() && value.get_ref<const std::string&>().size() > bounds_.string_bytes_max)
          stop("too_long", fmt::format("A string is at most {} bytes long.", bounds_.string_bytes_max));
        return count_value();
    }
    return true;
  }

  const std::optional<http::ProblemError>& error() const { return error_; }

 private:
  struct Stopped {};
  struct Level {
    std::set<std::string> keys;
    std::string last_key;
  };

  bool on_key(const std::string& key) {
    auto& level = levels_.back();
    level.last_key = key;
    if (key.size() > limits::kApiKeyBytesMax) stop("too_long", "This key is too long.");
    if (!level.keys.insert(key).second) stop("duplicate_field", "This field is here twice.");
    return true;
  }
  bool count_value() {
    if (++values_ > bounds_.values_max)
      stop("too_large", fmt::format("A body has at most {} values.", bounds_.values_max));
    return true;
  }
  void stop(std::string code, std::string detail) {
    std::string pointer;
    for (const auto& level : levels_)
      if (!level.last_key.empty()) pointer += "/" + http::pointer_token(level.last_key.substr(0, 100));
    error_ = http::ProblemError{std::move(pointer), std::move(code), std::move(detail)};
    throw Stopped{};
  }

  JsonBounds bounds_;
  std::size_t values_ = 0;
  std::vector<Level> levels_;
  std::optional<http::ProblemError> error_;

  friend std::optional<http::Problem> openapi::parse_json(std::string_view, const JsonBounds&, Json&);
};

}  // namespace

namespace {

// nlohmann quotes what it has read last, which may be half of a private key: a line end that is not escaped
// is what goes wrong with PEM in JSON.
std::string without_contents(std::string_view what) {
  return std::string(what.substr(0, std::min(what.find("; last read"), what.size())));
}

}  // namespace

std::optional<http::Problem> parse_json(std::string_view text, const JsonBounds& bounds, Json& into) {
  Guard guard(bounds);
  try {
    into = Json::parse(text, std::ref(guard));
    return std::nullopt;
  } catch (const Guard::Stopped&) {
    return http::Problem{400, "The body can't be taken: " + guard.error()->detail, {*guard.error()}, {}};
  } catch (const Json::parse_error& error) {
    const auto line =
        1 + std::count(text.begin(),
                       text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size())), '\n');
    return http::Problem{400,
                         fmt::format("The body is no valid JSON: at byte {}, line {}.", error.byte, line),
                         {{"", "invalid_json", without_contents(error.what())}},
                         {}};
  } catch (const Json::exception& error) {  // a number that no double holds
    return http::Problem{
        400, "The body is no valid JSON.", {{"", "invalid_json", without_contents(error.what())}}, {}};
  }
}

}  // namespace headgate::openapi
