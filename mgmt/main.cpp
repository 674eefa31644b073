// SPDX-License-Identifier: Apache-2.0
// headgated: the management plane. Opens the database, compiles what is configured, answers the API on
// loopback until SIGTERM or SIGINT. Threads: main waits for signals, and keeps the files of the API's front
// (front/front.hpp) current meanwhile; the rest is the service's writer and the server's.
#include <csignal>
#include <ctime>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/prctl.h>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/core/units.hpp"
#include "mgmt/auth/first_token.hpp"
#include "mgmt/front/authority.hpp"
#include "mgmt/front/front.hpp"
#include "mgmt/handlers/api.hpp"
#include "mgmt/http/server.hpp"
#include "mgmt/openapi/api_document.hpp"
#include "mgmt/service/service.hpp"

namespace headgate {
namespace {

constexpr std::chrono::seconds kDrainTimeout{5};

struct Arguments {
  std::string database = "/var/lib/headgate/headgate.db";
  std::string listen = "127.0.0.1:7080";
  std::string token_file = "/var/lib/headgate/admin.token";
  std::string key_file;  // empty: beside the database
  std::string front;     // empty: none
  std::vector<std::string> front_names;
  std::string front_directory;  // empty: beside the database
  bool front_new_authority = false;
  std::string front_certificate_lifetime = format_duration(limits::kFrontCertificateLifetime);
  log::Level log_level = log::Level::kInfo;
};

// Before the first thread, so that all of them inherit it: only main takes them, by sigwait().
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN);  // a client that goes must not end us
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  return ending;
}

// What is wrong with the arguments is said before anything is opened.
Result<std::optional<front::FrontOptions>> front_options(const Arguments& arguments) {
  if (arguments.front.empty()) {
    if (arguments.front_names.empty()) return std::optional<front::FrontOptions>();
    return Error{ErrorCode::kInvalid, "--front-name goes with --front ADDRESS:PORT"};
  }
  const auto listen = Endpoint::parse(arguments.front);
  if (!listen || listen->port == 0)
    return Error{ErrorCode::kInvalid,
                 fmt::format("--front {}: give an address and a port, like 0.0.0.0:7443", arguments.front)};
  const auto lifetime = parse_duration(arguments.front_certificate_lifetime);
  if (!lifetime || lifetime->count() < 3'000)
    return Error{ErrorCode::kInvalid,
                 fmt::format("--front-certificate-lifetime {}: give a duration like 720h, of 3s at least",
                             arguments.front_certificate_lifetime)};
  front::FrontOptions options;
  options.listen = *listen;
  options.names = arguments.front_names.empty() ? front::default_names(*listen) : arguments.front_names;
  for (const auto& name : options.names)
    if (!tls::is_server_name(name))
      return Error{ErrorCode::kInvalid,
                   fmt::format("--front-name {}: give a DNS name in lower case, or an IP address", name)};
  if (options.names.size() > limits::kFrontNamesMax)
    return Error{ErrorCode::kInvalid, fmt::format("more than {} --front-name", limits::kFrontNamesMax)};
  options.directory = arguments.front_directory.empty()
                          ? std::filesystem::absolute(arguments.database).parent_path() / "front"
                          : std::filesystem::path(arguments.front_directory);
  options.certificate_lifetime = *lifetime;
  return std::optional(std::move(options));
}

// Until a signal to end.
void wait_to_end(const sigset_t& ending, std::optional<front::Front>& front) {
  for (int taken = 0; taken <= 0;) {
    if (!front) {
      sigwait(&ending, &taken);
      continue;
    }
    const auto wait = front->keep_current(unix_time_ms());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
    const timespec timeout{seconds.count(), std::chrono::nanoseconds(wait - seconds).count()};
    taken = sigtimedwait(&ending, nullptr, &timeout);
  }
}

struct Listening {
  Endpoint api;
  std::optional<front::FrontOptions> front;
};

Result<void> serve(const Arguments& arguments, Listening listening, const sigset_t& ending) {
  auto store = db::Store::open(arguments.database);
  if (!store.ok()) return std::move(store).error();
  const auto made_token = auth::ensure_first_token(*store, arguments.token_file);
  if (!made_token.ok()) return made_token.error();
  if (*made_token) log::info(fmt::format("made the first admin token: {}", arguments.token_file));
  auto vault = service::Vault::open(
      *store, arguments.key_file.empty() ? arguments.database + ".key" : arguments.key_file);
  if (!vault.ok()) return std::move(vault).error();
  std::optional<front::Front> front;
  handlers::PublicAuthority public_authority;
  if (listening.front) {
    auto authority = front::ensure_authority(*store, *vault, unix_time_ms(), arguments.front_new_authority);
    if (!authority.ok()) return std::move(authority).error();
    public_authority = {authority->certificate(), authority->facts().fingerprint};
    front.emplace(*std::move(listening.front), *std::move(authority));
  }
  auto service = service::Service::start(std::move(*store), std::move(*vault));
  if (!service.ok()) return std::move(service).error();

  const openapi::ApiDocument document;
  const handlers::Api api(**service, document, front ? &public_authority : nullptr);
  http::ServerOptions options;
  options.listen = listening.api;
  options.body_bytes_max = handlers::Api::body_bytes_max;
  auto server = http::Server::start(options, [&api](http::Request request, http::Responder respond) {
    api.handle(std::move(request), std::move(respond));
  });
  if (!server.ok()) return std::move(server).error();
  if (front) {
    front->set_backend((*server)->address());
    front->keep_current(unix_time_ms());
    log::info("other machines are served by: " + front->command());
  }
  log::info(fmt::format("listening on http://{}, database {}", (*server)->address().to_string(),
                        arguments.database));

  wait_to_end(ending, front);
  log::info("stopping");
  (*service)->stop();  // what waits is answered now
  (*server)->drain(kDrainTimeout);
  server->reset();
  return {};
}

int run(int argc, char** argv) {
  // Keys and tokens are in memory: nobody of the same user (the front's process is) reads it, or our files by
  // /proc, and no core dump has them.
  ::prctl(PR_SET_DUMPABLE, 0);
  const auto ending = block_signals();
  Arguments arguments;
  CLI::App app("headgated: the management plane of Headgate, a REST API on loopback", "headgated");
  app.set_version_flag("--version", "headgated " HEADGATE_VERSION);
  app.add_option("--database", arguments.database, "SQLite file; made where it is missing")
      ->capture_default_str();
  app.add_option("--listen", arguments.listen, "loopback address and port")->capture_default_str();
  app.add_option("--token-file", arguments.token_file, "where the first admin token is written (0600)")
      ->capture_default_str();
  app.add_option("--key-file", arguments.key_file,
                 "the key that seals private keys and secrets (0600), made at the first start; default: the "
                 "database's name and .key; systemd's credential headgate-secrets-key goes before it");
  app.add_option(
         "--front", arguments.front,
         "address and port for other machines, like 0.0.0.0:7443, that a headgate-shard serves in front "
         "of this by HTTPS; its command is in the log")
      ->type_name("ADDRESS:PORT");
  app.add_option(
         "--front-name", arguments.front_names,
         "DNS name or IP address that its certificate is for, several times; default: the host's name, "
         "localhost and the address")
      ->type_name("NAME");
  app.add_option("--front-directory", arguments.front_directory,
                 "where its snapshot, secrets and ca.pem are written; default: front beside the database")
      ->type_name("DIRECTORY");
  app.add_flag("--front-new-authority", arguments.front_new_authority,
               "make a new internal authority where another key has sealed the one that is there; whoever "
               "believed that one must be given ca.pem again");
  app.add_option("--front-certificate-lifetime", arguments.front_certificate_lifetime,
                 "it is renewed when a third of it is over")
      ->type_name("DURATION")
      ->capture_default_str();
  const std::map<std::string, log::Level> levels{{"debug", log::Level::kDebug},
                                                 {"info", log::Level::kInfo},
                                                 {"warning", log::Level::kWarning},
                                                 {"error", log::Level::kError}};
  app.add_option("--log-level", arguments.log_level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  log::start("headgated", arguments.log_level);
  const auto listen = Endpoint::parse(arguments.listen);
  if (!listen) {
    log::error(fmt::format("--listen {}: give an address and a port, like 127.0.0.1:7080", arguments.listen));
    return 2;
  }
  auto front = front_options(arguments);
  if (!front.ok()) {
    log::error(front.error().message);
    return 2;
  }
  const auto served = serve(arguments, {*listen, *std::move(front)}, ending);
  if (served.ok()) return 0;
  log::error(served.error().message);
  return 1;
}

}  // namespace
}  // namespace headgate

int main(int argc, char** argv) { return headgate::run(argc, argv); }
