#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "cli/context.h"

namespace tombolo::cli {

namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// The blocks of characters that take no column, and those that take two: coarse, by block.
constexpr std::array<Range, 8> kZeroWidth = {{{0x0300, 0x036F},
                                              {0x0483, 0x0489},
                                              {0x0591, 0x05BD},
                                              {0x064B, 0x065F},
                                              {0x1AB0, 0x1AFF},
                                              {0x200B, 0x200F},
                                              {0x20D0, 0x20FF},
                                              {0xFE00, 0xFE0F}}};
constexpr std::array<Range, 8> kDoubleWidth = {{{0x1100, 0x115F},
                                                {0x2E80, 0xA4CF},
                                                {0xAC00, 0xD7A3},
                                                {0xF900, 0xFAFF},
                                                {0xFE30, 0xFE4F},
                                                {0xFF00, 0xFF60},
                                                {0x1F300, 0x1F9FF},
                                                {0x20000, 0x3FFFD}}};

template <std::size_t Size>
bool is_in(const std::array<Range, Size>& ranges, std::uint32_t point) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return point >= range.first && point <= range.last;
  });
}

// The character at `index` and how many bytes it takes; a broken sequence counts byte by byte.
std::pair<std::uint32_t, std::size_t> character_at(std::string_view text, std::size_t index) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint32_t lead = byte(index);
  const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length == 1 || index + length > text.size()) return {lead, 1};
  std::uint32_t point = lead & (0xFFU >> (length + 1));
  for (std::size_t at = index + 1; at < index + length; ++at) {
    point = point << 6 | (byte(at) & 0x3FU);
  }
  return {point, length};
}

int width_of(std::uint32_t point) {
  if (is_in(kZeroWidth, point)) return 0;
  return is_in(kDoubleWidth, point) ? 2 : 1;
}

constexpr int kGap = 2;           // columns between two columns
constexpr int kLeastColumn = 4;   // a narrower column tells nothing
constexpr int kWidestCell = 200;  // also where no terminal sets a bound

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  for (std::size_t index = 0; index < text.size();) {
    const auto [point, length] = character_at(text, index);
    width += width_of(point);
    index += length;
  }
  return width;
}

std::string cut_to_width(std::string_view text, int columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns < 1) return {};
  int width = 0;
  std::size_t index = 0;
  while (index < text.size()) {
    const auto [point, length] = character_at(text, index);
    if (width + width_of(point) > columns - 1) break;
    width += width_of(point);
    index += length;
  }
  return std::string(text.substr(0, index)) + "…";
}

std::string cell_text(const Value& value) {
  if (!value.is_string()) return value.to_json();
  std::string cell;
  for (const char character : value.as_string()) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte != 0x7F) {
      cell += character;
    } else if (character == '\n') {
      cell += "\\n";
    } else if (character == '\t') {
      cell += "\\t";
    } else {
      constexpr std::string_view kDigits = "0123456789abcdef";
      cell += "\\x";
      cell += kDigits[byte >> 4];
      cell += kDigits[byte & 15];
    }
  }
  return cell;
}

void Table::align_right(std::size_t column) {
  right_aligned_.push_back(column);
}

std::vector<int> Table::fitted_widths(int columns) const {
  std::vector<int> widths;
  for (std::size_t column = 0; column < header_.size(); ++column) {
    int width = display_width(header_[column]);
    for (const auto& row : rows_) {
      if (column < row.size()) width = std::max(width, display_width(row[column]));
    }
    widths.push_back(std::min(width, kWidestCell));
  }
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), 0) +
           kGap * (static_cast<int>(widths.size()) - 1);
  };
  while (!widths.empty() && total() > columns) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    const int excess = total() - columns;
    if (*widest > kLeastColumn * 3) {
      *widest = std::max(kLeastColumn * 3, *widest - std::max(1, excess / 2));
    } else if (widths.size() > 1) {
      widths.pop_back();
    } else {
      *widest = std::max(1, columns);
      break;
    }
  }
  return widths;
}

std::string Table::text(int columns, bool color) const {
  // Room for the mark that says that columns are missing.
  std::vector<int> widths = fitted_widths(columns);
  const bool is_dropped = widths.size() < header_.size();
  if (is_dropped) widths = fitted_widths(std::max(1, columns - kGap - 1));

  const auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const std::string cell =
          cut_to_width(column < row.size() ? row[column] : std::string(), widths[column]);
      const std::string padding(
          static_cast<std::size_t>(std::max(0, widths[column] - display_width(cell))), ' ');
      const bool right =
          std::find(right_aligned_.begin(), right_aligned_.end(), column) != right_aligned_.end();
      if (column > 0) text += std::string(kGap, ' ');
      text += right ? padding + cell : cell + padding;
    }
    if (is_dropped) text += "  …";
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  std::string text = styled(color, "1", line(header_)) + "\n";
  for (const auto& row : rows_) text += line(row) + "\n";
  return text;
}

}  // namespace tombolo::cli
