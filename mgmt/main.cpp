// SPDX-License-Identifier: Apache-2.0
// headgated: the management plane. Opens the database, compiles what is configured, answers the API on
// loopback until SIGTERM or SIGINT. Threads: main waits for signals; the rest is the service's writer and the
// server's.
#include <csignal>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "dataplane/core/log.hpp"
#include "mgmt/auth/first_token.hpp"
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

Result<void> serve(const Arguments& arguments, const Endpoint& listen, const sigset_t& ending) {
  auto store = db::Store::open(arguments.database);
  if (!store.ok()) return std::move(store).error();
  const auto made_token = auth::ensure_first_token(*store, arguments.token_file);
  if (!made_token.ok()) return made_token.error();
  if (*made_token) log::info(fmt::format("made the first admin token: {}", arguments.token_file));
  auto vault = service::Vault::open(
      *store, arguments.key_file.empty() ? arguments.database + ".key" : arguments.key_file);
  if (!vault.ok()) return std::move(vault).error();
  auto service = service::Service::start(std::move(*store), std::move(*vault));
  if (!service.ok()) return std::move(service).error();

  const openapi::ApiDocument document;
  const handlers::Api api(**service, document);
  http::ServerOptions options;
  options.listen = listen;
  options.body_bytes_max = handlers::Api::body_bytes_max;
  auto server = http::Server::start(options, [&api](http::Request request, http::Responder respond) {
    api.handle(std::move(request), std::move(respond));
  });
  if (!server.ok()) return std::move(server).error();
  log::info(fmt::format("listening on http://{}, database {}", (*server)->address().to_string(),
                        arguments.database));

  int signal_number = 0;
  sigwait(&ending, &signal_number);
  log::info("stopping");
  (*service)->stop();  // what waits is answered now
  (*server)->drain(kDrainTimeout);
  server->reset();
  return {};
}

int run(int argc, char** argv) {
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
  const auto served = serve(arguments, *listen, ending);
  if (served.ok()) return 0;
  log::error(served.error().message);
  return 1;
}

}  // namespace
}  // namespace headgate

int main(int argc, char** argv) { return headgate::run(argc, argv); }
