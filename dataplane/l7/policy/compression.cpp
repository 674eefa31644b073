// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/compression.hpp"

#include <algorithm>

#include "dataplane/contract/enum_names.hpp"
#include "dataplane/l7/field_text.hpp"

namespace headgate::l7::policy {
namespace {

using contract::ContentCoding;

constexpr std::string_view kContentEncoding = "content-encoding";

template <typename Visit>
void each_member(const Headers& headers, std::string_view name, Visit visit) {
  for (const auto& field : headers)
    if (field.name == name) for_each_element(field.value, visit);
}

// "0.5" in thousandths (RFC 9110 section 12.4.2).
std::optional<uint16_t> parse_weight(std::string_view text) {
  constexpr std::size_t kLengthMax = 5;
  if (text.empty() || text.size() > kLengthMax || text[0] < '0' || text[0] > '1') return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int place = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    thousandths += (digit - '0') * place;
    place /= 10;
  }
  if (thousandths > 1000) return std::nullopt;
  return static_cast<uint16_t>(thousandths);
}

struct Wish {
  std::string_view coding;
  uint16_t weight = 1000;
};

std::optional<Wish> parse_wish(std::string_view member) {
  const auto semicolon = member.find(';');
  Wish wish{.coding = trim(member.substr(0, semicolon))};
  if (semicolon == std::string_view::npos) return wish;
  const auto parameter = trim(member.substr(semicolon + 1));
  if (parameter.size() < 2 || !equals_ignoring_case(parameter.substr(0, 2), "q=")) return std::nullopt;
  const auto weight = parse_weight(parameter.substr(2));
  if (!weight) return std::nullopt;
  wish.weight = *weight;
  return wish;
}

std::optional<ContentCoding> coding_of(std::string_view name) {
  if (equals_ignoring_case(name, "x-gzip")) return ContentCoding::kGzip;  // RFC 9110 section 8.4.1.3
  for (const auto coding : {ContentCoding::kZstd, ContentCoding::kBrotli, ContentCoding::kGzip})
    if (equals_ignoring_case(name, contract::name_of(coding))) return coding;
  return std::nullopt;
}

bool covers_type(const std::string& pattern, std::string_view type) {
  if (!pattern.ends_with("/*")) return equals_ignoring_case(type, pattern);
  const auto prefix = std::string_view(pattern).substr(0, pattern.size() - 1);
  return type.size() > prefix.size() && equals_ignoring_case(type.substr(0, prefix.size()), prefix);
}

bool has_type_of(const std::vector<std::string>& types, const Headers& headers) {
  const auto* field = headers.find(HeaderId::kContentType);
  if (!field) return false;
  const auto type = trim(field->value.substr(0, field->value.find(';')));
  return std::any_of(types.begin(), types.end(),
                     [&](const std::string& each) { return covers_type(each, type); });
}

bool says(const Headers& headers, std::string_view name, std::string_view wanted) {
  bool found = false;
  each_member(headers, name,
              [&](std::string_view member) { found = found || equals_ignoring_case(member, wanted); });
  return found;
}

// A part of a representation, or none, has no coding of its own.
bool may_be_coded(const ResponseHead& response) {
  const auto status = response.status;
  if (status < 200 || status == 204 || status == 205 || status == 206 || status == 304) return false;
  return !response.headers.find(kContentEncoding) && !says(response.headers, "cache-control", "no-transform");
}

// The bytes are others now: a strong validator would say they are the same.
void weaken_etag(Headers& headers, Arena& arena) {
  const auto* etag = headers.find("etag");
  if (!etag || etag->value.starts_with("W/")) return;
  const auto weak = arena.join({"W/", etag->value});
  headers.remove("etag");
  headers.add({"etag", weak, HeaderId::kOther});
}

}  // namespace

AcceptedCodings AcceptedCodings::of(const Headers& request) {
  AcceptedCodings accepted;
  std::array<bool, 3> named{};
  bool identity_named = false;
  std::optional<uint16_t> others;
  each_member(request, "accept-encoding", [&](std::string_view member) {
    const auto wish = parse_wish(member);
    if (!wish) return;
    if (wish->coding == "*") others = wish->weight;
    if (equals_ignoring_case(wish->coding, "identity")) {
      accepted.identity = wish->weight;
      identity_named = true;
    }
    const auto coding = coding_of(wish->coding);
    if (!coding) return;
    accepted.weights[static_cast<std::size_t>(*coding)] = wish->weight;
    named[static_cast<std::size_t>(*coding)] = true;
  });
  for (std::size_t i = 0; i < named.size(); ++i)
    if (!named[i]) accepted.weights[i] = others.value_or(0);
  if (!identity_named) accepted.identity = 0;
  return accepted;
}

std::optional<ContentCoding> AcceptedCodings::choose(const std::vector<ContentCoding>& by_preference) const {
  std::optional<ContentCoding> best;
  uint16_t best_weight = 0;
  for (const auto coding : by_preference) {
    const auto weight = weights[static_cast<std::size_t>(coding)];
    if (weight <= best_weight) continue;
    best = coding;
    best_weight = weight;
  }
  return best_weight < identity ? std::nullopt : best;
}

std::optional<ContentCoding> compress_head(const contract::Compression& compression,
                                           const AcceptedCodings& accepted, ResponseHead& response,
                                           Arena& arena) {
  auto& headers = response.headers;
  if (!may_be_coded(response) || !has_type_of(compression.types, headers)) return std::nullopt;
  if (response.has_content_length && response.content_length < compression.bytes_min) return std::nullopt;
  // Also to whom it goes as it is: a cache in between must not give it to others.
  if (!says(headers, "vary", "accept-encoding") && !says(headers, "vary", "*"))
    headers.add({"vary", "Accept-Encoding", HeaderId::kOther});
  const auto coding = accepted.choose(compression.codings);
  if (!coding) return std::nullopt;
  headers.add({kContentEncoding, contract::name_of(*coding), HeaderId::kOther});
  headers.remove("accept-ranges");
  weaken_etag(headers, arena);
  response.has_content_length = false;
  response.content_length = 0;
  if (response.framing == BodyFraming::kLength) response.framing = BodyFraming::kChunked;
  return coding;
}

}  // namespace headgate::l7::policy
