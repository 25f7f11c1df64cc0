// Tables stay within the terminal, whatever is in them.
#include "cli/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace tombolo::cli {
namespace {

TEST(Width, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width("Ladin"), 5);
  EXPECT_EQ(display_width("Arbëreshë"), 9);
  EXPECT_EQ(display_width("e\u0301"), 1);  // e and a combining acute
  EXPECT_EQ(display_width("日本語"), 6);
}

TEST(Cut, EndsWithAnEllipsisWhereSomethingIsMissing) {
  EXPECT_EQ(cut_to_width("Ladin", 5), "Ladin");
  EXPECT_EQ(cut_to_width("Ladin", 4), "Lad…");
  EXPECT_EQ(cut_to_width("日本語", 4), "日…");
}

TEST(Cells, CannotMoveTheCursor) {
  EXPECT_EQ(cell_text("a\x1b[2J\nb\t"), "a\\x1b[2J\\nb\\t");
  EXPECT_EQ(cell_text(31000), "31000");
  EXPECT_EQ(cell_text(Array{"a", 1}), "[\"a\",1]");
}

TEST(Table, AlignsItsColumns) {
  Table table({"name", "speakers"});
  table.align_right(1);
  table.add({"Ladin", "31000"});
  table.add({"日本語", "5"});
  EXPECT_EQ(table.text(80, false),
            "name    speakers\n"
            "Ladin      31000\n"
            "日本語         5\n");
}

TEST(Table, NeverGrowsBeyondTheTerminal) {
  for (int columns = 1; columns < 60; ++columns) {
    Table table({"id", "name", "scope", "type"});
    table.add({"0190c6e5-7e1f-7cc5-8f6e-6c6f2f3ab6aa", std::string(300, 'x'), "I", "living"});
    std::istringstream lines(table.text(columns, false));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(display_width(line), std::max(columns, 4)) << columns << ": " << line;
    }
  }
}

}  // namespace
}  // namespace tombolo::cli
