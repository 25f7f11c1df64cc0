#include "cli/command.h"

#include <algorithm>
#include <charconv>

namespace tombolo::cli {

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = options_.find(option);
  if (found == options_.end()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  const auto found = options_.find(option);
  return found == options_.end() ? std::vector<std::string>{} : found->second;
}

Result<std::optional<std::int64_t>> Arguments::integer(std::string_view option, std::int64_t least,
                                                       std::int64_t most) const {
  const std::optional<std::string> text = value(option);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [rest, problem] = std::from_chars(text->data(), end, number);
  if (problem != std::errc() || rest != end || number < least || number > most) {
    return fail(ErrorCode::invalid_argument, std::string(option) + " takes a whole number from " +
                                                 std::to_string(least) + " to " +
                                                 std::to_string(most) + ", not \"" + *text + "\"");
  }
  return number;
}

std::string Arguments::positional(std::size_t index) const {
  return index < positionals_.size() ? positionals_[index] : std::string();
}

namespace {

// The command's own options, then those that all have.
std::vector<Option> all_options(const Command& command) {
  std::vector<Option> options = command.options;
  if (command.takes_database) {
    options.push_back(
        {"--db", "FILE", "the database file (or set TOMBOLO_DB; default: tombolo.db here)"});
  }
  options.push_back({"--json", "", "answer in JSON, for programs"});
  options.push_back({"--help", "", "show this help", false, "-h"});
  return options;
}

const Option* find_option(const std::vector<Option>& options, std::string_view name) {
  for (const Option& option : options) {
    if (option.name == name || (!option.short_name.empty() && option.short_name == name)) {
      return &option;
    }
  }
  return nullptr;
}

// One pass over the words.
class Reader {
 public:
  Reader(const Command& command, const std::vector<std::string>& words)
      : command_(command), words_(words), options_(all_options(command)) {}

  Result<Arguments> read() {
    for (; index_ < words_.size(); ++index_) {
      const std::string& word = words_[index_];
      if (!options_ended_ && word == "--") {
        options_ended_ = true;
      } else if (is_option(word)) {
        if (auto done = read_option(word); !done) return fail(done);
      } else {
        arguments_.add_positional(word);
      }
    }
    if (arguments_.has("--help")) return std::move(arguments_);
    if (auto done = check_positionals(); !done) return fail(done);
    return std::move(arguments_);
  }

 private:
  bool is_option(const std::string& word) const {
    if (options_ended_ || word.size() < 2 || word[0] != '-') return false;
    return word[1] == '-' || find_option(options_, word) != nullptr;
  }

  Result<void> read_option(const std::string& word) {
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    const Option* option = find_option(options_, name);
    if (option == nullptr) return unknown_option(name);
    const bool has_value = equals != std::string::npos;
    if (option->value_name.empty()) {
      if (has_value) return fail(ErrorCode::invalid_argument, name + " takes no value");
      arguments_.add(option->name, "");
      return {};
    }
    if (arguments_.has(option->name) && !option->repeatable) {
      return fail(ErrorCode::invalid_argument, name + " is given twice");
    }
    if (has_value) {
      arguments_.add(option->name, word.substr(equals + 1));
      return {};
    }
    if (index_ + 1 >= words_.size()) {
      return fail(ErrorCode::invalid_argument, name + " needs a value: " + option->value_name);
    }
    arguments_.add(option->name, words_[++index_]);
    return {};
  }

  Result<void> unknown_option(const std::string& name) const {
    std::vector<std::string> names;
    for (const Option& option : options_) names.push_back(option.name);
    const std::string nearest = nearest_name(name, names);
    return fail(ErrorCode::invalid_argument,
                "there is no option " + name +
                    (nearest.empty() ? std::string() : "; did you mean " + nearest + "?"));
  }

  Result<void> check_positionals() const {
    const std::size_t given = arguments_.positionals().size();
    for (std::size_t index = given; index < command_.positionals.size(); ++index) {
      if (command_.positionals[index].required) {
        return fail(ErrorCode::invalid_argument, command_.positionals[index].name + " is missing");
      }
    }
    const bool open_ended = !command_.positionals.empty() && command_.positionals.back().repeatable;
    if (given > command_.positionals.size() && !open_ended) {
      return fail(ErrorCode::invalid_argument,
                  "\"" + arguments_.positionals()[command_.positionals.size()] + "\" is too much");
    }
    return {};
  }

  const Command& command_;
  const std::vector<std::string>& words_;
  const std::vector<Option> options_;
  std::size_t index_ = 0;
  bool options_ended_ = false;
  Arguments arguments_;
};

std::string option_label(const Option& option) {
  std::string label =
      option.short_name.empty() ? option.name : option.short_name + ", " + option.name;
  if (!option.value_name.empty()) label += " " + option.value_name;
  return label;
}

// Two columns: labels and their meaning.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.first.size());
  std::string text;
  for (const auto& [label, meaning] : rows) {
    text += "  " + label + std::string(width - label.size() + 2, ' ') + meaning + "\n";
  }
  return text;
}

}  // namespace

Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& words) {
  return Reader(command, words).read();
}

std::string usage_line(const Command& command) {
  std::string line = "usage: tombolo " + command.name + " [OPTIONS]";
  for (const Positional& positional : command.positionals) {
    std::string word = positional.name + (positional.repeatable ? "..." : "");
    line += " " + (positional.required ? word : "[" + word + "]");
  }
  return line;
}

std::string help_text(const Command& command) {
  std::string text = command.summary + "\n\n" + usage_line(command) + "\n";
  if (!command.positionals.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Positional& positional : command.positionals) {
      rows.emplace_back(positional.name, positional.help);
    }
    text += "\n" + two_columns(rows);
  }
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Option& option : all_options(command)) {
    rows.emplace_back(option_label(option), option.help);
  }
  text += "\nOptions:\n" + two_columns(rows);
  if (!command.details.empty()) text += "\n" + command.details + "\n";
  if (!command.examples.empty()) {
    text += "\nExamples:\n";
    for (const std::string& example : command.examples) text += "  " + example + "\n";
  }
  return text;
}

std::string overview_text(const std::vector<Command>& commands) {
  std::string text =
      "Tombolo keeps data on every device and brings it together when there is a network.\n\n"
      "usage: tombolo COMMAND [OPTIONS] ...\n";
  std::vector<std::string> groups;
  for (const Command& command : commands) {
    if (std::find(groups.begin(), groups.end(), command.group) == groups.end()) {
      groups.push_back(command.group);
    }
  }
  for (const std::string& group : groups) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Command& command : commands) {
      if (command.group == group) rows.emplace_back(command.name, command.summary);
    }
    text += "\n" + group + ":\n" + two_columns(rows);
  }
  text +=
      "\nExamples:\n"
      "  tombolo create languages name=Ladin speakers=31000\n"
      "  tombolo query languages --where 'speakers>1000' --order -speakers --limit 20\n"
      "  tombolo sync ws://localhost:8888/v1/buckets/main/stream\n"
      "\n`tombolo COMMAND --help` tells more about one command, `tombolo --version` the version.\n";
  return text;
}

std::string nearest_name(std::string_view word, const std::vector<std::string>& names) {
  std::string nearest;
  std::size_t least = word.size() / 3 + 1;  // so many edits are no likeness
  for (const std::string& name : names) {
    // Levenshtein distance, one row at a time.
    std::vector<std::size_t> row(name.size() + 1);
    for (std::size_t column = 0; column < row.size(); ++column) row[column] = column;
    for (std::size_t line = 1; line <= word.size(); ++line) {
      std::size_t diagonal = row[0];
      row[0] = line;
      for (std::size_t column = 1; column < row.size(); ++column) {
        const std::size_t replaced = diagonal + (word[line - 1] == name[column - 1] ? 0 : 1);
        diagonal = row[column];
        row[column] = std::min({replaced, row[column] + 1, row[column - 1] + 1});
      }
    }
    if (row.back() < least) {
      least = row.back();
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace tombolo::cli
