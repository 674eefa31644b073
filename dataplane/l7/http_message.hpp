// SPDX-License-Identifier: Apache-2.0
// HTTP messages as every part speaks of them: what a codec (HTTP/1.1, HTTP/2) parses into, what routing and
// policies read and edit, and the only thing that is ever serialised. Framing is members, never headers:
// Host, Content-Length, Transfer-Encoding, Connection and the other hop-by-hop fields are not in `headers`,
// so no byte of framing can be copied through. Thread: the exchange's. Every string_view points into the
// exchange's arena or the block that holds its head, and dies with the exchange.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/core/arena.hpp"

namespace headgate::l7 {

// Those that some code asks for; every other method is kOther and carries its text alone.
enum class Method : uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kPatch, kTrace, kConnect, kOther };

// Field names that the proxy itself acts on; the others are kOther and are found by their text.
enum class HeaderId : uint8_t {
  kOther,
  kAuthorization,
  kClientCert,
  kClientCertChain,
  kConnection,
  kContentLength,
  kContentType,
  kCookie,
  kDate,
  kExpect,
  kForwarded,
  kHeadgateContext,
  kHost,
  kHttp2Settings,
  kKeepAlive,
  kProxyConnection,
  kServer,
  kTe,
  kTraceparent,
  kTracestate,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedPort,
  kXForwardedProto,
  kXRequestId,
};
HeaderId header_id(std::string_view lower_case_name);
std::string_view header_name(HeaderId id);  // empty of kOther

// What concerns one connection, or says where its message ends: a codec reads these fields and takes them
// off.
constexpr bool is_hop_by_hop(HeaderId id) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kContentLength:
    case HeaderId::kHttp2Settings:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTe:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return true;
    default:
      return false;
  }
}

struct Header {
  std::string_view name;   // lower case, a token (RFC 9110 section 5.6.2)
  std::string_view value;  // without surrounding white space, no control character but a tab
  HeaderId id = HeaderId::kOther;
};

// In the order they came; the same name may stand several times. The vector keeps its capacity from one
// exchange to the next.
class Headers {
 public:
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  void clear() { fields_.clear(); }

  void add(HeaderId id, std::string_view value) { fields_.push_back({header_name(id), value, id}); }
  void add(const Header& field) { fields_.push_back(field); }

  // The first of that name, or null. `name` in lower case.
  const Header* find(HeaderId id) const {
    for (const auto& field : fields_)
      if (field.id == id) return &field;
    return nullptr;
  }
  const Header* find(std::string_view name) const {
    for (const auto& field : fields_)
      if (field.name == name) return &field;
    return nullptr;
  }
  void remove(HeaderId id) {
    std::erase_if(fields_, [id](const Header& field) { return field.id == id; });
  }
  void remove(std::string_view name) {
    std::erase_if(fields_, [name](const Header& field) { return field.name == name; });
  }
  template <typename Predicate>
  void remove_if(Predicate&& predicate) {
    std::erase_if(fields_, predicate);
  }

 private:
  std::vector<Header> fields_;
};

enum class Version : uint8_t { kHttp10, kHttp11, kHttp2 };
std::string_view name_of(Version version);  // "http/1.1", as the access log spells it

// How long the body is, by RFC 9112 section 6.3; over HTTP/2 kChunked where the head does not say.
enum class BodyFraming : uint8_t { kNone, kLength, kChunked, kUntilClose };  // kUntilClose: responses only

enum class TargetForm : uint8_t { kOrigin, kAbsolute, kAuthority, kAsterisk };

struct RequestHead {
  Method method = Method::kGet;
  std::string_view method_text;
  Version version = Version::kHttp11;
  TargetForm form = TargetForm::kOrigin;
  std::string_view host;  // lower case, no port; an IPv6 literal keeps its brackets; empty only on HTTP/1.0
  std::optional<uint16_t> port;
  // As received until normalised (l7/path.hpp), "/" where an absolute target has none; "*" in asterisk form.
  std::string_view path;
  std::optional<std::string_view> query;  // without its "?"
  Headers headers;

  BodyFraming framing = BodyFraming::kNone;  // kNone, kLength or kChunked
  uint64_t content_length = 0;               // where kLength
  bool keep_alive = true;                    // the client would send another request
  bool expect_continue = false;
  bool te_trailers = false;        // the client said that it reads trailers
  bool upgrade_websocket = false;  // asked for, in valid form

  void clear() {
    auto kept = std::move(headers);
    kept.clear();
    *this = RequestHead{};
    headers = std::move(kept);
  }
};

struct ResponseHead {
  uint16_t status = 200;
  std::string_view reason;
  Version version = Version::kHttp11;
  Headers headers;

  BodyFraming framing = BodyFraming::kNone;
  uint64_t content_length = 0;  // where kLength; of a HEAD's or a 304's answer where has_content_length
  bool has_content_length = false;
  bool keep_alive = true;
  bool upgrade_websocket = false;  // said, beside a 101

  void clear() {
    auto kept = std::move(headers);
    kept.clear();
    *this = ResponseHead{};
    headers = std::move(kept);
  }
};

Method parse_method(std::string_view text);

// A head that outlives the exchange: all its views point into `arena`.
void copy_request(const RequestHead& from, Arena& arena, RequestHead& into);

}  // namespace headgate::l7
