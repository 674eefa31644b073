// SPDX-License-Identifier: Apache-2.0
// The contract as JSON text: what crosses a process or machine boundary. The only place of the data plane
// that knows a JSON library. decode_* take hostile bytes: bounded depth, exact types, every error with its
// JSON pointer. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/contract/capture.hpp"
#include "dataplane/contract/explain.hpp"
#include "dataplane/contract/message.hpp"
#include "dataplane/contract/node_api.hpp"
#include "dataplane/core/result.hpp"

namespace headgate::contract {

std::string encode(const Message& message);
Result<Message> decode_message(std::string_view json);

std::string encode(const Delta& delta);
Result<Delta> decode_delta(std::string_view json);

std::string encode(const Enrolment& enrolment);
Result<Enrolment> decode_enrolment(std::string_view json);
std::string encode(const Enrolled& enrolled);
Result<Enrolled> decode_enrolled(std::string_view json);
std::string encode(const SecretsWanted& wanted);
Result<SecretsWanted> decode_secrets_wanted(std::string_view json);
std::string encode(const Secrets& secrets);
Result<Secrets> decode_secrets(std::string_view json);
std::string encode(const NodeUpdate& update);
Result<NodeUpdate> decode_node_update(std::string_view json);
std::string encode(const NodeReport& report);
Result<NodeReport> decode_node_report(std::string_view json);
std::string encode(const RequestQuestion& question);
Result<RequestQuestion> decode_request_question(std::string_view json);
std::string encode(const RequestAnswer& answer);
Result<RequestAnswer> decode_request_answer(std::string_view json);
std::string encode(const PacketQuestion& question);
Result<PacketQuestion> decode_packet_question(std::string_view json);
std::string encode(const PacketAnswer& answer);
Result<PacketAnswer> decode_packet_answer(std::string_view json);
std::string encode(const CaptureQuestion& question);
Result<CaptureQuestion> decode_capture_question(std::string_view json);
std::string encode(const CaptureAnswer& answer);
Result<CaptureAnswer> decode_capture_answer(std::string_view json);

}  // namespace headgate::contract
