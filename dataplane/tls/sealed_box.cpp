// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/sealed_box.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/durable_file.hpp"

namespace headgate::tls {
namespace {

// NIST SP 800-38D: a random nonce of 96 bits serves for 2^32 seals of one key; we make one a stored secret.
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr char kFormat = '\1';  // the first byte; another layout is another number
constexpr std::string_view kDigits = "0123456789abcdef";

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(char* text) { return reinterpret_cast<unsigned char*>(text); }

template <std::size_t size>
void hmac(const std::array<unsigned char, size>& key, std::string_view text, unsigned char* into) {
  HG_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), into,
                 nullptr) != nullptr);
}

std::string hex_of(std::span<const unsigned char> bytes) {
  std::string text;
  for (const auto byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// False where the text is not exactly so many digits.
bool read_hex(std::string_view text, std::span<unsigned char> into) {
  if (text.size() != 2 * into.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = kDigits.find(text[i]);
    if (digit == std::string_view::npos) return false;
    into[i / 2] = static_cast<unsigned char>(into[i / 2] << 4 | digit);
  }
  return true;
}

std::string what_to_do(const std::string& key_file) {
  return "; a new key is made by: (umask 077; openssl rand -hex 32 >" + key_file + ")";
}

}  // namespace

// One key a purpose, so that nothing that one of them shows helps against the other (RFC 5869's expand step).
SealedBox::SealedBox(const Key& master) {
  hmac(master, "headgate seal\1", seal_key_.data());
  hmac(master, "headgate digest\1", digest_key_.data());
}

SealedBox::~SealedBox() {
  OPENSSL_cleanse(seal_key_.data(), seal_key_.size());
  OPENSSL_cleanse(digest_key_.data(), digest_key_.size());
}

Result<SealedBox> SealedBox::from_text(std::string_view text, const std::string& place) {
  const auto end = text.find_last_not_of(" \r\n");
  Key master{};
  const bool is_key = read_hex(text.substr(0, end == std::string_view::npos ? 0 : end + 1), master);
  if (!is_key) return Error{ErrorCode::kInvalid, place + " is no key of 64 hex digits (0-9, a-f)"};
  SealedBox box(master);
  OPENSSL_cleanse(master.data(), master.size());
  return box;
}

Result<SealedBox> SealedBox::load(const std::string& key_file) {
  struct stat about {};
  if (::stat(key_file.c_str(), &about) != 0) {
    auto error = system_error(errno, "opening the key " + key_file);
    error.message += what_to_do(key_file);
    return error;
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{ErrorCode::kPermission, "the key " + key_file +
                                             " is open to others than its owner: chmod 600 it, and consider "
                                             "whether what it protects must be replaced"};
  auto text = read_file(key_file);
  if (!text.ok()) return std::move(text).error();
  auto box = from_text(*text, "the key " + key_file);
  OPENSSL_cleanse(text->data(), text->size());
  return box;
}

Result<SealedBox> SealedBox::load_or_make(const std::string& key_file) {
  std::error_code ignored;
  if (!std::filesystem::exists(key_file, ignored)) {
    Key master{};
    HG_ASSERT(RAND_bytes(master.data(), static_cast<int>(master.size())) == 1);
    auto text = hex_of(master) + "\n";
    const auto written = write_file_durably(key_file, text, 0600);
    OPENSSL_cleanse(master.data(), master.size());
    OPENSSL_cleanse(text.data(), text.size());
    if (!written.ok()) return written.error();
  }
  return load(key_file);
}

std::optional<Result<SealedBox>> SealedBox::load_credential(const std::string& name) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) return std::nullopt;
  const auto path = std::filesystem::path(directory) / name;
  auto text = read_file(path);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!text.ok()) return std::move(text).error();
  auto box = from_text(*text, "the credential " + name);
  OPENSSL_cleanse(text->data(), text->size());
  return box;
}

std::string SealedBox::seal(std::string_view bytes, std::string_view context) const {
  std::string sealed(1 + kNonceBytes + bytes.size() + kTagBytes, kFormat);
  auto* const nonce = bytes_of(sealed.data() + 1);
  auto* const encrypted = nonce + kNonceBytes;
  HG_ASSERT(RAND_bytes(nonce, kNonceBytes) == 1);
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool done =
      cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, seal_key_.data(), nonce) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes_of(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), encrypted, &length, bytes_of(bytes), static_cast<int>(bytes.size())) ==
          1 &&
      EVP_EncryptFinal_ex(cipher.get(), encrypted + bytes.size(), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, encrypted + bytes.size()) == 1;
  HG_ASSERT(done);  // it fails without memory only
  return sealed;
}

Result<std::string> SealedBox::unseal(std::string_view sealed, std::string_view context) const {
  const Error wrong{ErrorCode::kInvalid, "it was sealed by another key, for another place, or is damaged"};
  if (sealed.size() < 1 + kNonceBytes + kTagBytes || sealed.front() != kFormat) return wrong;
  const auto nonce = sealed.substr(1, kNonceBytes);
  const auto encrypted = sealed.substr(1 + kNonceBytes, sealed.size() - 1 - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string bytes(encrypted.size() + 1, '\0');  // never empty: OpenSSL takes no null
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool done =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, seal_key_.data(), bytes_of(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes_of(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(bytes.data()), &length, bytes_of(encrypted),
                        static_cast<int>(encrypted.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(bytes.data()) + encrypted.size(), &length) == 1;
  if (!done) {
    OPENSSL_cleanse(bytes.data(), bytes.size());  // unauthenticated: nobody's to see
    return wrong;
  }
  bytes.pop_back();
  return bytes;
}

std::string SealedBox::keyed_digest(std::string_view bytes) const {
  std::array<unsigned char, 32> digest{};
  hmac(digest_key_, bytes, digest.data());
  return hex_of(digest);
}

}  // namespace headgate::tls
