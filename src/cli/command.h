// What a command is: its name, what it takes, its help, and what it does; and how the words of a
// command line become its arguments.
//
// Options may stand anywhere: "--name VALUE", "--name=VALUE", or a short "-n VALUE". "--" ends
// them. A word like "-speakers" or "-5" is an option only where the command has one of that name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/result.h"

namespace tombolo::cli {

// What the process answers.
enum ExitCode : int {
  kSuccess = 0,
  kFailure = 1,
  kUsage = 2,  // the command line itself was wrong
};

struct Option {
  std::string name;        // "--where"
  std::string value_name;  // "CONDITION"; empty: a switch without a value
  std::string help;
  bool repeatable = false;
  std::string short_name = {};  // "-w"
};

struct Positional {
  std::string name;  // "COLLECTION"
  std::string help;
  bool required = true;
  bool repeatable = false;  // only the last one
};

// What was given.
class Arguments {
 public:
  bool has(std::string_view option) const { return options_.contains(option); }
  // The (last) value of an option; nothing when it was not given.
  std::optional<std::string> value(std::string_view option) const;
  std::vector<std::string> values(std::string_view option) const;
  // An integer option in [least, most]; nothing when it was not given. Error: invalid_argument.
  Result<std::optional<std::int64_t>> integer(std::string_view option, std::int64_t least,
                                              std::int64_t most) const;

  const std::vector<std::string>& positionals() const { return positionals_; }
  // Positional `index`; empty when it was not given.
  std::string positional(std::size_t index) const;

  void add(const std::string& option, std::string value) {
    options_[option].push_back(std::move(value));
  }
  void add_positional(std::string value) { positionals_.push_back(std::move(value)); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
  std::vector<std::string> positionals_;
};

class Context;

struct Command {
  std::string name;
  std::string group;    // the heading under which the overview lists it
  std::string summary;  // one line
  std::vector<Positional> positionals;
  std::vector<Option> options;
  std::string details;                // more help, one or more paragraphs
  std::vector<std::string> examples;  // whole command lines
  // Gives an ExitCode. What fails has been printed.
  std::function<int(Context&, const Arguments&)> run;
  bool takes_database = true;  // has --db
};

// Reads the words after the command's name. Error: invalid_argument, saying which word is wrong.
Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& words);

// What `tombolo COMMAND --help` and `tombolo --help` print.
std::string help_text(const Command& command);
std::string overview_text(const std::vector<Command>& commands);
// "usage: tombolo get [OPTIONS] COLLECTION ID"
std::string usage_line(const Command& command);

// The name among `names` that was probably meant by `word`; empty when none is near.
std::string nearest_name(std::string_view word, const std::vector<std::string>& names);

}  // namespace tombolo::cli
