// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/codec.hpp"

#include "dataplane/contract/json_codec.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::contract {
namespace {

constexpr int kDepthMax = 32;

// Bounded before it is built: nlohmann's parser itself recurses into nothing, but its destructor and ours
// would.
Result<Json> parse(std::string_view text) {
  if (text.size() > limits::kFrameBytesMax)
    return Error{ErrorCode::kExhausted, "the document is over the limit"};
  bool too_deep = false;
  const auto watch_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kDepthMax;
    return !too_deep;
  };
  Json json = Json::parse(text.begin(), text.end(), watch_depth, /*allow_exceptions=*/false);
  if (too_deep) return Error{ErrorCode::kInvalid, "nested too deeply"};
  if (json.is_discarded()) return Error{ErrorCode::kInvalid, "not valid JSON"};
  return json;
}

template <typename T>
Result<T> decode(std::string_view text) {
  auto json = parse(text);
  if (!json.ok()) return std::move(json).error();
  JsonReader reader;
  T value;
  reader.read(*json, value);
  if (reader.failed()) return std::move(reader).error();
  return value;
}

template <typename T>
std::string encode_document(const T& value) {
  // Text that came from outside may hold invalid UTF-8: replaced, never thrown on.
  return to_json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename T>
constexpr std::string_view kTypeName = "";
template <>
constexpr std::string_view kTypeName<Hello> = "hello";
template <>
constexpr std::string_view kTypeName<Acknowledgement> = "acknowledgement";
template <>
constexpr std::string_view kTypeName<Notice> = "notice";
template <>
constexpr std::string_view kTypeName<CommandResult> = "command_result";
template <>
constexpr std::string_view kTypeName<Stats> = "stats";
template <>
constexpr std::string_view kTypeName<Configure> = "configure";
template <>
constexpr std::string_view kTypeName<HealthDelta> = "health";
template <>
constexpr std::string_view kTypeName<SocketSet> = "sockets";
template <>
constexpr std::string_view kTypeName<SocketsWanted> = "sockets_wanted";
template <>
constexpr std::string_view kTypeName<Secrets> = "secrets";
template <>
constexpr std::string_view kTypeName<Command> = "command";
template <>
constexpr std::string_view kTypeName<Stop> = "stop";

void read_body(JsonReader& reader, const Json& json, Configure& into) {
  reader.member(json, "delta", into.delta);
}
template <typename T>
void read_body(JsonReader& reader, const Json& json, T& into) {
  reader.read(json, into);
}

template <std::size_t I = 0>
bool read_alternative(JsonReader& reader, std::string_view type, const Json& json, Message& into) {
  if constexpr (I == std::variant_size_v<Message>) {
    return false;
  } else {
    using T = std::variant_alternative_t<I, Message>;
    static_assert(!kTypeName<T>.empty(), "a message needs its name on the wire");
    if (type != kTypeName<T>) return read_alternative<I + 1>(reader, type, json, into);
    read_body(reader, json, into.emplace<T>());
    return true;
  }
}

template <std::size_t I = 0>
void read_object(JsonReader& reader, Kind kind, const Json& json, Object& into) {
  if constexpr (I < std::variant_size_v<Object>) {
    if (static_cast<std::size_t>(kind) == I)
      reader.member(json, "object", into.emplace<I>());
    else
      read_object<I + 1>(reader, kind, json, into);
  }
}

}  // namespace

Json to_json(const ObjectKey& key) {
  return {{"audience", key.audience}, {"kind", name_of(key.kind)}, {"id", key.id}};
}

Json to_json(const Upsert& upsert) {
  Json json = to_json(upsert.key);
  json["object"] = std::visit([](const auto& object) { return to_json(object); }, *upsert.object);
  return json;
}

Json to_json(const Delta& delta) {
  return {{"base", delta.base},
          {"revision", delta.revision},
          {"upserts", to_json(delta.upserts)},
          {"removals", to_json(delta.removals)}};
}

Json to_json(const NodeUpdate& update) {
  Json json = {{"commands", to_json(update.commands)}};
  if (update.delta) json["delta"] = to_json(*update.delta);
  return json;
}

Json to_json(const Configure& configure) { return {{"delta", to_json(configure.delta)}}; }

void JsonReader::read(const Json& json, ObjectKey& into) {
  if (!json.is_object()) return fail("an object");
  member(json, "audience", into.audience);
  member(json, "kind", into.kind);
  member(json, "id", into.id);
}

void JsonReader::read(const Json& json, Upsert& into) {
  read(json, into.key);
  if (failed()) return;
  if (!json.contains("object")) return fail("the member object");
  Object object;
  read_object(*this, into.key.kind, json, object);
  into.object = std::make_shared<const Object>(std::move(object));
}

void JsonReader::read(const Json& json, Delta& into) {
  if (!json.is_object()) return fail("an object");
  member(json, "base", into.base);
  member(json, "revision", into.revision);
  member(json, "upserts", into.upserts);
  member(json, "removals", into.removals);
}

void JsonReader::read(const Json& json, NodeUpdate& into) {
  if (!json.is_object()) return fail("an object");
  member(json, "delta", into.delta);
  member(json, "commands", into.commands);
}

std::string encode(const Message& message) {
  const auto build = [](const auto& body) {
    Json json = to_json(body);
    json["type"] = kTypeName<std::decay_t<decltype(body)>>;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  return std::visit(build, message);
}

Result<Message> decode_message(std::string_view text) {
  auto json = parse(text);
  if (!json.ok()) return std::move(json).error();
  const auto type = json->is_object() ? json->find("type") : json->end();
  if (type == json->end() || !type->is_string())
    return Error{ErrorCode::kInvalid, "/type: expected a message's name"};
  JsonReader reader;
  Message message;
  if (!read_alternative(reader, type->get_ref<const std::string&>(), *json, message))
    return Error{ErrorCode::kInvalid, "/type: no such message"};
  if (reader.failed()) return std::move(reader).error();
  return message;
}

std::string encode(const Delta& delta) { return encode_document(delta); }
Result<Delta> decode_delta(std::string_view json) { return decode<Delta>(json); }
std::string encode(const Enrolment& enrolment) { return encode_document(enrolment); }
Result<Enrolment> decode_enrolment(std::string_view json) { return decode<Enrolment>(json); }
std::string encode(const Enrolled& enrolled) { return encode_document(enrolled); }
Result<Enrolled> decode_enrolled(std::string_view json) { return decode<Enrolled>(json); }
std::string encode(const SecretsWanted& wanted) { return encode_document(wanted); }
Result<SecretsWanted> decode_secrets_wanted(std::string_view json) { return decode<SecretsWanted>(json); }
std::string encode(const Secrets& secrets) { return encode_document(secrets); }
Result<Secrets> decode_secrets(std::string_view json) { return decode<Secrets>(json); }
std::string encode(const NodeUpdate& update) { return encode_document(update); }
Result<NodeUpdate> decode_node_update(std::string_view json) { return decode<NodeUpdate>(json); }
std::string encode(const NodeReport& report) { return encode_document(report); }
Result<NodeReport> decode_node_report(std::string_view json) { return decode<NodeReport>(json); }
std::string encode(const RequestQuestion& question) { return encode_document(question); }
Result<RequestQuestion> decode_request_question(std::string_view json) {
  return decode<RequestQuestion>(json);
}
std::string encode(const RequestAnswer& answer) { return encode_document(answer); }
Result<RequestAnswer> decode_request_answer(std::string_view json) { return decode<RequestAnswer>(json); }
std::string encode(const PacketQuestion& question) { return encode_document(question); }
Result<PacketQuestion> decode_packet_question(std::string_view json) { return decode<PacketQuestion>(json); }
std::string encode(const PacketAnswer& answer) { return encode_document(answer); }
Result<PacketAnswer> decode_packet_answer(std::string_view json) { return decode<PacketAnswer>(json); }
std::string encode(const CaptureQuestion& question) { return encode_document(question); }
Result<CaptureQuestion> decode_capture_question(std::string_view json) {
  return decode<CaptureQuestion>(json);
}
std::string encode(const CaptureAnswer& answer) { return encode_document(answer); }
Result<CaptureAnswer> decode_capture_answer(std::string_view json) { return decode<CaptureAnswer>(json); }

}  // namespace headgate::contract
