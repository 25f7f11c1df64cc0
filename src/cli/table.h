// Tables for people: aligned columns of text, cut to the width of the terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tombolo/value.h"

namespace tombolo::cli {

// Columns of a terminal that the text takes: combining marks take none, East Asian wide characters
// and emoji two.
int display_width(std::string_view text);

// The text cut to `columns`, with an ellipsis when something is missing.
std::string cut_to_width(std::string_view text, int columns);

// A value as a cell: text without quotes and with control characters escaped, so that no record can
// move the cursor of whoever looks at it; everything else as JSON; a null as "null".
std::string cell_text(const Value& value);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Aligns the column's cells to the right.
  void align_right(std::size_t column);

  // With the header (bold when `color`), every line at most `columns` wide. Wide columns shrink
  // first; those for which no room is left are dropped, with a mark.
  std::string text(int columns, bool color) const;

 private:
  std::vector<int> fitted_widths(int columns) const;

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_aligned_;
};

}  // namespace tombolo::cli
