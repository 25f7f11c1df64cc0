// What a command works with: its output, its database, and how it fails.
//
// Answers go to standard output, everything else (what was wrong, what is going on) to standard
// error, so that pipes carry data only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"

#include "tombolo/database.h"
#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::cli {

class Context {
 public:
  Context(const Command& command, const Arguments& arguments);

  bool json() const { return json_; }
  // Whether a person looks at standard output (and wants colours: NO_COLOR is not set).
  bool is_terminal() const { return terminal_; }
  bool color() const { return color_; }
  // Columns to fill; a large number when standard output is no terminal.
  int columns() const { return columns_; }

  void print(std::string_view text) const;       // to standard output, as it is
  void print_line(std::string_view text) const;  // with the end of a line, at once
  void print_json(const Value& value) const;     // one line
  // Whether something could not be written to standard output: the disk is full, nobody reads.
  static bool has_lost_output();
  // Something to know, for people: on standard error, and not with --json.
  void note(std::string_view text) const;

  // Print what went wrong and give the exit code.
  int failure(const Error& error) const;
  int misuse(std::string_view what) const;
  int lost_output() const;  // when has_lost_output()

  // The database file that --db, TOMBOLO_DB or the default name.
  const std::string& database_path() const { return database_path_; }
  enum class Missing { create, refuse };
  // Opens it. A file that is made is mentioned; refusing one that does not exist says what to do.
  Result<Database> open_database(Missing missing) const;

 private:
  const Command& command_;
  bool json_;
  bool terminal_;
  bool color_;
  int columns_;
  std::string database_path_;
};

// "\033[1mtext\033[0m" when `color`; `style` is "1" (bold), "32" (green)...
std::string styled(bool color, std::string_view style, std::string_view text);

// "1 record", "2 records", "7,910 records".
std::string counted(std::int64_t count, std::string_view noun);
// 7,910
std::string grouped_number(std::int64_t number);
// "2026-03-01 12:00:05" (UTC) of milliseconds since 1970.
std::string time_text(std::int64_t wall_ms);

}  // namespace tombolo::cli
