// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/hop_context.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "dataplane/core/limits.hpp"
#include "dataplane/l7/authority.hpp"

namespace headgate::l7 {
namespace {

constexpr std::string_view kVersion = "v1";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::size_t kPeerPortDigitsMax = 5;
constexpr std::size_t kSha256Digits = 64;
constexpr std::string_view kTlsClient = " tls_client=";
constexpr std::string_view kTraceBelieved = " trace=believed";

// The words of the text one after the other; once one is not as it must be, none is.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  bool take(std::string_view word) {
    failed_ = failed_ || !rest_.starts_with(word);
    if (!failed_) rest_.remove_prefix(word.size());
    return !failed_;
  }
  // Behind " NAME=", up to the next space.
  std::string_view value(std::string_view name) {
    if (!take(" ") || !take(name) || !take("=")) return {};
    const auto word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word;
  }
  bool at_end() const { return !failed_ && rest_.empty(); }
  bool follows(std::string_view word) const { return !failed_ && rest_.starts_with(word); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return port;
}

bool parse_client(std::string_view text, HopContext& context) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!address || address->is_v6() != bracketed || !port) return false;
  context.facts.client = *address;
  context.facts.client_text = host;
  context.client_port = *port;
  return true;
}

// "a,b,c" as "a, b, c"; nothing where an element is no address. The first is the client.
std::string_view parse_chain(std::string_view text, std::string_view client, Arena& arena) {
  if (text.substr(0, text.find(',')) != client) return {};
  char* const begin = arena.allocate(2 * text.size());
  char* at = begin;
  std::size_t count = 0;
  for (std::string_view rest = text;;) {
    const auto element = rest.substr(0, rest.find(','));
    if (!IpAddress::parse(element) || ++count > limits::kForwardedHopsMax + 1) return {};
    at = std::copy(element.begin(), element.end(), at);
    if (element.size() == rest.size()) break;
    rest.remove_prefix(element.size() + 1);
    *at++ = ',';
    *at++ = ' ';
  }
  arena.shrink_last(at);
  return {begin, static_cast<std::size_t>(at - begin)};
}

bool stands_for_itself(char c) { return c > ' ' && c <= '~' && c != '%'; }

std::string_view escape(std::string_view text, Arena& arena) {
  char* const begin = arena.allocate(3 * text.size());
  char* at = begin;
  for (const char c : text) {
    if (stands_for_itself(c)) {
      *at++ = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    *at++ = '%';
    *at++ = kUpperHex[byte >> 4];
    *at++ = kUpperHex[byte & 15];
  }
  arena.shrink_last(at);
  return {begin, static_cast<std::size_t>(at - begin)};
}

// Nothing where it is not what escape() writes.
std::optional<std::string_view> unescape(std::string_view text, Arena& arena) {
  char* const begin = arena.allocate(text.size());
  char* at = begin;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const auto high = kUpperHex.find(text[++i]), low = kUpperHex.find(text[++i]);
      if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      if (stands_for_itself(c)) return std::nullopt;
    } else if (!stands_for_itself(c)) {
      return std::nullopt;
    }
    *at++ = c;
  }
  arena.shrink_last(at);
  return std::string_view{begin, static_cast<std::size_t>(at - begin)};
}

bool is_sha256(std::string_view text) {
  return text.size() == kSha256Digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool parse_certificate(std::string_view name, std::string_view sha256, Arena& arena,
                       ClientCertificate& certificate) {
  const auto plain = unescape(name, arena);
  if (!plain || plain->size() > limits::kPeerNameBytesMax || !is_sha256(sha256)) return false;
  certificate = {.name = *plain, .sha256 = sha256, .field = {}};
  return true;
}

}  // namespace

std::string_view write_hop_context(const HopContext& context, Arena& arena) {
  const auto& facts = context.facts;
  char* const chain = arena.allocate(facts.forwarded_for.size());
  char* const chain_end =
      std::remove_copy(facts.forwarded_for.begin(), facts.forwarded_for.end(), chain, ' ');
  arena.shrink_last(chain_end);
  const std::string_view chain_text(chain, static_cast<std::size_t>(chain_end - chain));
  char port[kPeerPortDigitsMax];
  char* const port_end = std::to_chars(port, port + sizeof port, context.client_port).ptr;
  const std::string_view port_text(port, static_cast<std::size_t>(port_end - port));
  const auto& shown = facts.certificate;
  const auto certificate =
      shown.sha256.empty()
          ? std::string_view{}
          : arena.join({kTlsClient, escape(shown.name, arena), " tls_client_sha256=", shown.sha256});
  const bool v6 = facts.client.is_v6();
  return arena.join(
      {kVersion,      " listener=",      context.listener, " client=",
       v6 ? "[" : "", facts.client_text, v6 ? "]:" : ":",  port_text,
       " for=",       chain_text,        " proto=",        facts.scheme,
       " host=",      facts.host,        " port=",         facts.port,
       " id=",        facts.request_id,  certificate,      context.trace_believed ? kTraceBelieved : ""});
}

std::optional<HopContext> parse_hop_context(std::string_view text, Arena& arena) {
  if (text.size() > limits::kHopContextBytesMax) return std::nullopt;
  HopContext context;
  auto& facts = context.facts;
  Words words(text);
  words.take(kVersion);
  context.listener = words.value("listener");
  const auto client = words.value("client");
  const auto chain = words.value("for");
  facts.scheme = words.value("proto");
  facts.host = words.value("host");
  facts.port = words.value("port");
  facts.request_id = words.value("id");
  if (words.follows(kTlsClient)) {
    const auto name = words.value("tls_client");
    if (!parse_certificate(name, words.value("tls_client_sha256"), arena, facts.certificate))
      return std::nullopt;
  }
  if (!words.at_end()) context.trace_believed = words.take(kTraceBelieved);
  if (!words.at_end()) return std::nullopt;
  if (!is_request_id(context.listener) || !is_request_id(facts.request_id)) return std::nullopt;
  if (facts.scheme != "http" && facts.scheme != "https") return std::nullopt;
  if (!facts.host.empty() && !parse_authority(facts.host, arena)) return std::nullopt;
  if (parse_port(facts.port).value_or(0) == 0 || !parse_client(client, context)) return std::nullopt;
  facts.forwarded_for = parse_chain(chain, facts.client_text, arena);
  if (facts.forwarded_for.empty()) return std::nullopt;
  facts.peer_trusted = facts.client_cert_believed = true;  // what may not be said, the first tier has dropped
  return context;
}

void pass_on(Headers& headers, std::string_view context) {
  headers.remove_if([](const Header& field) {
    switch (field.id) {
      case HeaderId::kForwarded:
      case HeaderId::kXForwardedFor:
      case HeaderId::kXForwardedHost:
      case HeaderId::kXForwardedPort:
      case HeaderId::kXForwardedProto:
      case HeaderId::kXRequestId:
        return true;
      default:
        return false;
    }
  });
  headers.add(HeaderId::kHeadgateContext, context);
}

std::optional<std::string_view> hop_context_of(const Headers& headers) {
  std::optional<std::string_view> value;
  for (const auto& field : headers) {
    if (field.id != HeaderId::kHeadgateContext) continue;
    if (value) return std::nullopt;
    value = field.value;
  }
  return value;
}

}  // namespace headgate::l7
