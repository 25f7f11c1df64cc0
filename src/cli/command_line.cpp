#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <exception>
#include <iostream>
#include <string>

#include "cli/command.h"

namespace tombolo::cli {

namespace {

class Cli11CommandLine final : public CommandLine {
 public:
  explicit Cli11CommandLine(CLI::App& app) : app_(app) {}

  void flag(std::string_view names, bool& target, std::string_view help) override {
    app_.add_flag(std::string(names), target, std::string(help));
  }
  void option(std::string_view names, std::string& target, std::string_view help) override {
    app_.add_option(std::string(names), target, std::string(help));
  }
  void option(std::string_view names, std::int64_t& target, std::string_view help) override {
    app_.add_option(std::string(names), target, std::string(help));
  }
  void options(std::string_view names, std::vector<std::string>& target,
               std::string_view help) override {
    app_.add_option(std::string(names), target, std::string(help))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  void argument(std::string_view name, std::string& target, std::string_view help,
                bool required) override {
    app_.add_option(std::string(name), target, std::string(help))->required(required);
  }
  void arguments(std::string_view name, std::vector<std::string>& target, std::string_view help,
                 bool required) override {
    app_.add_option(std::string(name), target, std::string(help))->required(required);
  }

 private:
  CLI::App& app_;
};

}  // namespace

int run_command_line(int argument_count, const char* const* arguments) {
  try {
    CLI::App app("Tombolo: offline-first data sync", "tombolo");
    app.require_subcommand(1);
    const std::vector<std::unique_ptr<Command>> commands = all_commands();
    std::vector<std::pair<CLI::App*, Command*>> parsed;
    for (const std::unique_ptr<Command>& command : commands) {
      CLI::App* sub =
          app.add_subcommand(std::string(command->name()), std::string(command->help()));
      Cli11CommandLine line(*sub);
      command->describe(line);
      parsed.emplace_back(sub, command.get());
    }
    try {
      app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? kExitOk : kExitUsage;
    }
    for (const auto& [sub, command] : parsed) {
      if (sub->parsed()) return command->run();
    }
  } catch (const std::exception& error) {
    std::cerr << "tombolo: " << error.what() << '\n';
    return kExitFailure;
  }
  return kExitUsage;
}

}  // namespace tombolo::cli
