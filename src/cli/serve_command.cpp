#include "cli/serve_command.h"

#include <atomic>
#include <cstdio>
#include <optional>
#include <utility>

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

int complain(const Error& error) {
  std::fprintf(stderr, "tombolo: %s\n", error.message.c_str());
  return kExitFailure;
}

class ServeCommand final : public Command {
 public:
  std::string_view name() const override { return "serve"; }
  std::string_view help() const override { return "run the server"; }

  void describe(CommandLine& line) override {
    line.option("-c,--config", config_, "the TOML file with the settings");
    line.option("-a,--address", address_, "the address to listen on");
    line.option("-p,--port", port_, "the port to listen on; 0: a free one");
    line.option("-d,--database", database_, "the database file");
    line.option("--log-level", log_level_, "debug, info, warning or error");
    line.option("--log-format", log_format_, "human or json");
    line.options("-s,--set", settings_, "any setting, as section.key=value; may be repeated");
    line.flag("--json", json_, "say where it listens as one line of JSON");
  }

  int run() override {
    os::StopSignal stop;
    Result<server::Configuration> configuration = configure();
    if (!configuration) return complain(configuration.error());
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
    if (!server) return complain(server.error());
    announce(**server, logger);
    const int signal = stop.wait();
    logger.log(LogLevel::info, "server_stopping", {{"signal", signal}});
    (*server)->stop();
    logger.log(LogLevel::info, "server_stopped", {});
    return failed ? kExitFailure : kExitOk;
  }

 private:
  // The file, over it the environment, over it the flags.
  Result<server::Configuration> configure() const {
    server::Configuration configuration;
    const std::string path =
        config_.empty() ? os::environment_variable("TOMBOLO_CONFIG").value_or("") : config_;
    if (!path.empty()) {
      Result<std::string> text = os::read_file(path);
      if (!text) return fail(text);
      Result<void> done = server::apply_toml(configuration, *text, path);
      if (!done) return fail(done);
    }
    Result<void> done =
        server::apply_environment(configuration, os::environment_with_prefix(std::string(kPrefix)));
    if (!done) return fail(done);
    for (const auto& [name, flag, value] : {std::tuple{"server.address", "--address", &address_},
                                            {"server.port", "--port", &port_},
                                            {"database.path", "--database", &database_},
                                            {"log.level", "--log-level", &log_level_},
                                            {"log.format", "--log-format", &log_format_}}) {
      if (value->empty()) continue;
      done = server::apply_setting(configuration, name, *value, flag);
      if (!done) return fail(done);
    }
    for (const std::string& setting : settings_) {
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

  void announce(const server::Server& server, Logger& logger) const {
    const std::string& address = server.configuration().server.address;
    const std::string host = address.find(':') != address.npos ? '[' + address + ']' : address;
    const std::string url = "http://" + host + ":" + std::to_string(server.port()) + "/v1/";
    if (json_) {
      const Value line = {
          {"url", url}, {"address", address}, {"port", std::int64_t{server.port()}}};
      std::printf("%s\n", line.to_json().c_str());
    } else {
      std::printf("listening on %s\n", url.c_str());
    }
    std::fflush(stdout);
    logger.log(LogLevel::info, "server_started",
               {{"url", url}, {"database", server.configuration().database.path}});
  }

  std::string config_;
  std::string address_;
  std::string port_;
  std::string database_;
  std::string log_level_;
  std::string log_format_;
  std::vector<std::string> settings_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_serve_command() {
  return std::make_unique<ServeCommand>();
}

}  // namespace tombolo::cli
