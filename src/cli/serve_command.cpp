// `tombolo serve`: runs the server until it is told to stop.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <optional>
#include <utility>

#include "cli/commands.h"
#include "cli/context.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/environment.h"
#include "os/files.h"
#include "os/signals.h"
#include "os/stream_logger.h"
#include "server/configuration.h"
#include "server/server.h"

namespace tombolo::cli {

namespace {

constexpr std::string_view kPrefix = "TOMBOLO_";

// Variables of the commands on a local database, which mean nothing to the server.
constexpr std::array<std::string_view, 4> kForeignVariables = {"TOMBOLO_DB", "TOMBOLO_TOKEN",
                                                               "TOMBOLO_USER", "TOMBOLO_PASSWORD"};

// The flags that set one setting each.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kFlags = {
    {{"--address", "server.address"},
     {"--port", "server.port"},
     {"--database", "database.path"},
     {"--log-level", "log.level"},
     {"--log-format", "log.format"}}};

// The file, over it the environment, over it the flags.
Result<server::Configuration> configure(const Arguments& arguments) {
  server::Configuration configuration;
  const std::string path =
      arguments.value("--config").value_or(os::environment_variable("TOMBOLO_CONFIG").value_or(""));
  if (!path.empty()) {
    Result<std::string> text = os::read_file(path);
    if (!text) return fail(text);
    Result<void> done = server::apply_toml(configuration, *text, path);
    if (!done) return fail(done);
  }
  auto variables = os::environment_with_prefix(std::string(kPrefix));
  std::erase_if(variables, [](const auto& variable) {
    return std::ranges::find(kForeignVariables, variable.first) != kForeignVariables.end();
  });
  Result<void> done = server::apply_environment(configuration, variables);
  if (!done) return fail(done);
  for (const auto& [flag, setting] : kFlags) {
    const auto value = arguments.value(flag);
    if (!value) continue;
    done = server::apply_setting(configuration, setting, *value, flag);
    if (!done) return fail(done);
  }
  for (const std::string& setting : arguments.values("--set")) {
    const std::size_t equals = setting.find('=');
    if (equals == setting.npos) {
      return fail(ErrorCode::invalid_argument,
                  "--set takes section.key=value, not \"" + setting + "\"");
    }
    done = server::apply_setting(configuration, setting.substr(0, equals),
                                 setting.substr(equals + 1), "--set");
    if (!done) return fail(done);
  }
  return configuration;
}

void announce(const Context& context, const server::Server& server, Logger& logger) {
  const std::string& address = server.configuration().server.address;
  const std::string host = address.find(':') != address.npos ? '[' + address + ']' : address;
  const std::string url = "http://" + host + ":" + std::to_string(server.port()) + "/v1/";
  if (context.json()) {
    context.print_json({{"url", url}, {"address", address}, {"port", std::int64_t{server.port()}}});
  } else {
    context.print_line("listening on " + url);
  }
  logger.log(LogLevel::info, "server_started",
             {{"url", url}, {"database", server.configuration().database.path}});
}

int run_serve(Context& context, const Arguments& arguments) {
  os::StopSignal stop;
  Result<server::Configuration> configuration = configure(arguments);
  if (!configuration) return context.failure(configuration.error());
  const os::SystemClock clock;
  os::SystemRandom random;
  os::StreamLogger logger(
      clock, configuration->log.format == "json" ? os::LogFormat::json : os::LogFormat::human,
      configuration->log_level());
  std::atomic<bool> failed = false;
  Result<std::unique_ptr<server::Server>> server =
      server::Server::start(std::move(*configuration), clock, random, logger, [&] {
        failed = true;
        stop.request();
      });
  if (!server) return context.failure(server.error());
  announce(context, **server, logger);
  const int signal = stop.wait();
  logger.log(LogLevel::info, "server_stopping", {{"signal", signal}});
  (*server)->stop();
  logger.log(LogLevel::info, "server_stopped", {});
  return failed ? kFailure : kSuccess;
}

}  // namespace

Command serve_command() {
  return {
      "serve",
      "Server",
      "run the server",
      {},
      {{"--config", "FILE", "the TOML file with the settings (or set TOMBOLO_CONFIG)", false, "-c"},
       {"--address", "ADDRESS", "the address to listen on", false, "-a"},
       {"--port", "PORT", "the port to listen on; 0: a free one", false, "-p"},
       {"--database", "FILE", "the database file", false, "-d"},
       {"--log-level", "LEVEL", "debug, info, warning or error"},
       {"--log-format", "FORMAT", "human or json"},
       {"--set", "SECTION.KEY=VALUE", "any setting (may be repeated)", true, "-s"}},
      "With --json, where it listens is one line of JSON. Settings come from the file, over it\n"
      "the environment (TOMBOLO_SECTION_KEY), over it the flags.",
      {"tombolo serve --database server.db --port 8888",
       "tombolo serve --config tombolo.toml --set stream.open_access=false"},
      run_serve,
      false};
}

}  // namespace tombolo::cli
