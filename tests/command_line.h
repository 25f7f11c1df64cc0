// The program as people and scripts use it, for tests: words in, text or JSON out, an exit code.
#pragma once

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "os/child_process.h"
#include "os/files.h"

#include "tombolo/value.h"

namespace tombolo {

inline Value json(const std::string& text) {
  return Value::parse(text).value_or("no JSON: " + text);
}

class CommandLine : public ::testing::Test {
 protected:
  struct Outcome {
    int exit_code = -1;
    std::string output;
    std::string errors;
  };

  // Long enough for any machine; no test waits for its end.
  static constexpr std::int64_t kPatience_ms = 120'000;

  std::string in_folder(const std::string& name) const { return folder_.path() + "/" + name; }

  // Starts `tombolo WORDS...` with TOMBOLO_DB set to the test's own file.
  os::ChildProcess start(std::vector<std::string> words) const {
    words.insert(words.begin(), TOMBOLO_PROGRAM);
    return os::ChildProcess::start({.command = std::move(words),
                                    .environment = {{"TOMBOLO_DB", in_folder("test.db")}},
                                    .error_file = in_folder("errors")})
        .value();
  }

  Outcome run(const std::vector<std::string>& words, const std::string& input = "") const {
    EXPECT_TRUE(os::remove_file(in_folder("errors")));
    auto child = start(words);
    // A command that refuses its line may have ended before it reads.
    if (!input.empty()) (void)child.write_line(input, kPatience_ms);
    child.end_input();
    Outcome outcome;
    outcome.output = child.read_rest(kPatience_ms).value_or("");
    outcome.exit_code = child.wait_for_end(kPatience_ms).value().exit_code;
    outcome.errors = os::read_file(in_folder("errors")).value_or("");
    return outcome;
  }

  // The output of a command that must succeed, without the end of its last line.
  std::string answer(const std::vector<std::string>& words) const {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    std::string text = outcome.output;
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

  os::TemporaryDirectory folder_ = os::TemporaryDirectory::make().value();
};

}  // namespace tombolo
