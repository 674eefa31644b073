// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/capture_filter.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <pcap/bpf.h>
#include <pcap/pcap.h>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/mac_address.hpp"

namespace headgate::fastpath {
namespace {

// Those of pcap-filter(7) that mean something in an Ethernet frame.
constexpr std::string_view kWords[] = {
    // qualifiers and primitives
    "src", "dst", "host", "net", "mask", "port", "portrange", "proto", "less", "greater", "broadcast",
    "multicast", "len", "and", "or", "not",
    // protocols
    "ether", "link", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "ah", "esp",
    "pim", "vrrp", "carp", "stp", "vlan", "mpls", "pppoed", "pppoes", "geneve",
    // fields and their values
    "tcpflags", "tcp-fin", "tcp-syn", "tcp-rst", "tcp-push", "tcp-ack", "tcp-urg", "tcp-ece", "tcp-cwr",
    "icmptype", "icmpcode", "icmp-echoreply", "icmp-unreach", "icmp-sourcequench", "icmp-redirect",
    "icmp-echo", "icmp-routeradvert", "icmp-routersolicit", "icmp-timxceed", "icmp-paramprob", "icmp-tstamp",
    "icmp-tstampreply", "icmp-ireq", "icmp-ireqreply", "icmp-maskreq", "icmp-maskreply", "icmp6type",
    "icmp6code", "icmp6-echo", "icmp6-echoreply", "icmp6-destinationunreach", "icmp6-packettoobig",
    "icmp6-timeexceeded", "icmp6-parameterproblem", "icmp6-routersolicit", "icmp6-routeradvert",
    "icmp6-neighborsolicit", "icmp6-neighboradvert", "icmp6-redirect"};

bool is_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
// What libpcap's lexer takes into one word: "tcp-syn", "192.0.2.1", "2001:db8::1", "80-90".
bool may_be_of_word(char c) { return is_of_word(c) || c == '-' || c == '.' || c == ':'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

bool is_decimal(std::string_view word, std::size_t digits_max) {
  return !word.empty() && word.size() <= digits_max && std::all_of(word.begin(), word.end(), is_digit);
}
bool is_number(std::string_view word) {
  if (!word.starts_with("0x")) return is_decimal(word, 10);
  return word.size() > 2 && word.size() <= 10 && std::all_of(word.begin() + 2, word.end(), is_hex);
}

// The leading bytes of an IPv4 address: "10.1".
bool is_net(std::string_view word) {
  unsigned parts = 1;
  for (; word.find('.') != std::string_view::npos; ++parts) {
    if (!is_decimal(word.substr(0, word.find('.')), 3)) return false;
    word.remove_prefix(word.find('.') + 1);
  }
  return parts <= 4 && is_decimal(word, 3);
}

// "80-90". Anywhere else libpcap would take it for the name of a host.
bool is_port_range(std::string_view word) {
  const auto dash = word.find('-');
  return dash != std::string_view::npos && is_decimal(word.substr(0, dash), 5) &&
         is_decimal(word.substr(dash + 1), 5);
}

bool is_known(std::string_view word, std::string_view before) {
  if (before == "portrange" && is_port_range(word)) return true;
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords) || is_number(word) ||
         is_net(word) || IpAddress::parse(word) || parse_mac_address(word);
}

// What is left of the expression begins with a word: its length. "[2:2]" is no word, though a colon may be of
// one.
std::size_t word_length(std::string_view rest, bool in_brackets) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), [in_brackets](char c) {
    return in_brackets && c == ':' ? false : may_be_of_word(c);
  });
  return static_cast<std::size_t>(end - rest.begin());
}

Result<void> check_words(std::string_view rest) {
  bool in_brackets = false;
  std::string_view before;
  while (!rest.empty()) {
    const char first = rest.front();
    if (first == '[') in_brackets = true;
    if (first == ']') in_brackets = false;
    if (!is_of_word(first) && !rest.starts_with("::")) {
      // A backslash makes a name of a word; what is no ASCII is no filter's.
      if (first == '\\' || static_cast<unsigned char>(first) >= 0x7f || first == '\0')
        return Error{ErrorCode::kInvalid, "a filter has no backslash and no byte but ASCII's"};
      rest.remove_prefix(1);
      continue;
    }
    const auto word = rest.substr(0, word_length(rest, in_brackets));
    if (!is_known(word, before))
      return Error{ErrorCode::kInvalid,
                   fmt::format("\"{}\" is no word of a filter here; names are not looked up: write addresses "
                               "and numbers, and blanks around an operator",
                               word)};
    rest.remove_prefix(word.size());
    before = word;
  }
  return {};
}

}  // namespace

Result<CaptureFilter> CaptureFilter::compile(const std::string& expression) {
  CaptureFilter filter;
  if (expression.size() > limits::kCaptureFilterBytesMax)
    return Error{ErrorCode::kInvalid,
                 fmt::format("a filter is at most {} bytes long", limits::kCaptureFilterBytesMax)};
  if (auto words = check_words(expression); !words.ok()) return std::move(words).error();
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> ethernet(
      ::pcap_open_dead(DLT_EN10MB, static_cast<int>(limits::kCaptureSnapBytesMax)), ::pcap_close);
  bpf_program program{};
  if (!ethernet || ::pcap_compile(ethernet.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    return Error{ErrorCode::kInvalid, ethernet ? ::pcap_geterr(ethernet.get()) : "libpcap has no memory"};
  static_assert(sizeof(Instruction) == sizeof(bpf_insn) &&
                offsetof(Instruction, operand) == offsetof(bpf_insn, k));
  if (!expression.empty()) {
    filter.program_.resize(program.bf_len);
    std::memcpy(filter.program_.data(), program.bf_insns, program.bf_len * sizeof(bpf_insn));
  }
  ::pcap_freecode(&program);
  if (filter.program_.size() > limits::kCaptureFilterInstructionsMax)
    return Error{ErrorCode::kInvalid, "the filter is too long once it is compiled"};
  return filter;
}

bool CaptureFilter::matches(std::span<const std::byte> beginning, uint32_t length_bytes) const {
  if (program_.empty()) return true;
  return ::bpf_filter(reinterpret_cast<const bpf_insn*>(program_.data()),
                      reinterpret_cast<const u_char*>(beginning.data()), length_bytes,
                      static_cast<u_int>(beginning.size())) != 0;
}

}  // namespace headgate::fastpath
