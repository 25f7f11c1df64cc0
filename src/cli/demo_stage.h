// How the demo speaks to a person at a terminal: headings, paragraphs, what each player does, and
// time to read. With --json it is silent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/context.h"
#include "cli/table.h"
#include "os/signals.h"

#include "tombolo/result.h"

namespace tombolo::cli {

class DemoStage {
 public:
  // `pauses`: leave time to read (never where no person looks).
  DemoStage(const Context& context, bool pauses, os::StopSignal& stop);

  void title(std::string_view text);
  void act(std::string_view heading);   // numbered from 1
  void say(std::string_view text);      // a paragraph
  void subject(std::string_view text);  // what the deeds that follow are about
  // "device A   $ tombolo patch ...": what a player does, in that player's colour.
  void deed(std::string_view player, std::string_view what);
  void result(std::string_view text);                         // what came of it, below the deed
  void entry(std::string_view label, std::string_view text);  // a paragraph beside a label
  void show(const Table& table);
  void good(std::string_view text);  // that something is as it should be

  // Leaves as much time as reading takes what was printed since the last pause. Error: cancelled
  // (Ctrl-C).
  Result<void> pause();
  // A moment between two deeds, a short one also without pauses: the clocks of two devices, which
  // count milliseconds, then agree on which came first. Error: cancelled.
  Result<void> beat();

 private:
  void print(const std::string& text);
  std::string labelled(std::string_view label) const;
  void separate();  // makes sure that an empty line stands before what follows
  Result<void> wait(std::int64_t time_ms);

  const Context& context_;
  const bool pauses_;
  os::StopSignal& stop_;
  const int columns_;
  int acts_ = 0;
  bool is_separated_ = true;
  std::size_t unread_bytes_ = 0;
};

// The text in lines of at most `columns` columns, broken between words, each with `indent` before
// it and an end.
std::string wrapped(std::string_view text, int columns, std::string_view indent);

}  // namespace tombolo::cli
