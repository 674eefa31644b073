// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/packet_explainer.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::fastpath {
namespace {

constexpr auto kPatience = std::chrono::seconds(1);  // a worker's turn takes microseconds

std::string_view name_of(l4::ChosenBy by) {
  switch (by) {
    case l4::ChosenBy::kMaglev:
      return "maglev";
    case l4::ChosenBy::kTurn:
      return "round_robin";
    case l4::ChosenBy::kSteppedAround:
      return "stepped_around";
    case l4::ChosenBy::kFlowTable:
      return "flow_table";
    case l4::ChosenBy::kNobody:
      break;
  }
  return "";
}

}  // namespace

void PacketExplainer::take(contract::Command command) { commands_.push_back(std::move(command)); }

Result<PacketExplainer::Asked> PacketExplainer::ask(const contract::Command& command, TimePoint now) {
  auto question = contract::decode_packet_question(command.body);
  if (!question.ok()) return std::move(question).error();
  const bool is_udp = question->protocol == contract::Protocol::kUdp;
  if ((!is_udp && question->protocol != contract::Protocol::kTcp) ||
      question->client.address.is_v6() != question->reached.address.is_v6())
    return Error{ErrorCode::kInvalid, "no packet is like that"};
  const l4::FlowQuestion of_flow{.client = question->client,
                                 .reached = question->reached,
                                 .protocol = is_udp ? kProtocolUdp : kProtocolTcp,
                                 .number = ++number_};
  // Room there is: what was asked before has been answered, or its worker has not moved for a second.
  for (const auto& worker : *workers_)
    if (!worker->ask(of_flow)) return Error{ErrorCode::kUnavailable, "a worker does not move"};
  return Asked{.question = *std::move(question), .number = number_, .deadline = now + kPatience};
}

contract::CommandResult PacketExplainer::finish(bool ok, std::string body) {
  contract::CommandResult result{commands_.front().id, ok, std::move(body)};
  commands_.pop_front();
  asked_.reset();
  return result;
}

std::optional<contract::CommandResult> PacketExplainer::look(TimePoint now) {
  if (commands_.empty()) return std::nullopt;
  if (!asked_) {
    auto asked = ask(commands_.front(), now);
    if (!asked.ok()) return finish(false, asked.error().message);
    asked_ = std::move(asked).value();
  }
  auto& answers = asked_->answers;
  while (answers.size() < workers_->size()) {
    const auto heard = (*workers_)[answers.size()]->take_answer();
    if (!heard) break;
    if (heard->number == asked_->number) answers.push_back(*heard);  // else nobody waits for it any more
  }
  if (answers.size() == workers_->size()) return finish(true, contract::encode(answer(*asked_)));
  if (now < asked_->deadline) return std::nullopt;
  return finish(false, fmt::format("worker {} does not move", answers.size()));
}

// The snapshot is at the tables' revision or a newer one that has the same targets by the same ids.
contract::PacketAnswer PacketExplainer::answer(const Asked& asked) const {
  const auto best = std::max_element(asked.answers.begin(), asked.answers.end(),
                                     [](const auto& a, const auto& b) { return a.by < b.by; });
  contract::PacketAnswer answer{.revision = keeper_->revision(), .outcome = "to_host"};
  if (!best->at_listener) return answer;
  answer.outcome =
      best->by == l4::ChosenBy::kNobody ? std::string(l4::name_of(l4::DropReason::kNoTarget)) : "forwarded";
  answer.chosen_by = name_of(best->by);
  for (const auto& [key, object] : keeper_->snapshot().objects) {
    const auto* listener = std::get_if<contract::L4Listener>(object.get());
    if (listener == nullptr || listener->protocol != asked.question.protocol ||
        Endpoint{listener->address, listener->port} != asked.question.reached)
      continue;
    describe_targets(*listener, best->target_id, answer);
  }
  return answer;
}

void PacketExplainer::describe_targets(const contract::L4Listener& listener, uint32_t chosen_id,
                                       contract::PacketAnswer& answer) const {
  answer.forwarding = listener.forwarding;
  for (const auto& target : listener.targets) {
    if (target.id == chosen_id && !answer.chosen_by.empty()) answer.target = target.name;
    contract::TargetAnswer described{.name = target.name,
                                     .address = {target.address, target.port},
                                     .weight = target.weight,
                                     .usable = !keeper_->mask().masked(target.id),
                                     .drain = target.drain};
    if (const auto mac = keeper_->next_hops().find(target.id))
      described.next_hop = fmt::format("{:02x}", fmt::join(*mac, ":"));
    answer.targets.push_back(std::move(described));
  }
  if (answer.outcome == "forwarded" && answer.target.empty()) answer.target = "a target that has gone";
}

}  // namespace headgate::fastpath
