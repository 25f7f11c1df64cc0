#include "protocol/kinto_precondition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace tombolo::protocol::kinto {
namespace {

constexpr std::int64_t kMsPerDay = 86'400'000;

Checked<std::optional<Condition>> parse_condition(std::string_view name,
                                                  std::optional<std::string_view> text) {
  if (!text || text->empty()) return std::nullopt;
  if (*text == "*") return Condition{true, 0};
  Condition condition;
  const bool quoted = text->size() > 2 && text->front() == '"' && text->back() == '"';
  if (quoted) {
    const std::string_view digits = text->substr(1, text->size() - 2);
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, condition.timestamp);
    if (read.ec == std::errc() && read.ptr == end && digits.front() != '-') return condition;
  }
  return refuse(invalid_parameter("header", std::string(name),
                                  "Invalid value for " + std::string(name) +
                                      ". The value should be integer between double quotes."));
}

struct CivilDate {
  std::int64_t year;
  unsigned month;  // 1 to 12
  unsigned day;    // 1 to 31
};

// Gregorian date of a day counted from 1970-01-01. Counts in eras of 400 years that begin in March,
// so that the leap day is the last of its year.
CivilDate civil_date_of(std::int64_t days) {
  constexpr std::int64_t kDaysPerEra = 146'097;
  constexpr std::int64_t kDaysFromEraTo1970 = 719'468;
  days += kDaysFromEraTo1970;
  const std::int64_t era = (days >= 0 ? days : days - (kDaysPerEra - 1)) / kDaysPerEra;
  const auto day_of_era = static_cast<unsigned>(days - era * kDaysPerEra);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned march_month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * march_month + 2) / 5 + 1;
  const unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
  const std::int64_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
  return {year, month, day};
}

}  // namespace

Checked<Preconditions> parse_preconditions(std::optional<std::string_view> if_match,
                                           std::optional<std::string_view> if_none_match) {
  const auto match = parse_condition("If-Match", if_match);
  if (!match) return refuse(match);
  const auto none_match = parse_condition("If-None-Match", if_none_match);
  if (!none_match) return refuse(none_match);
  return Preconditions{*match, *none_match};
}

Verdict judge(const Preconditions& preconditions, std::optional<std::int64_t> current,
              bool is_read) {
  if (const auto& none_match = preconditions.if_none_match) {
    if (none_match->any && current) return Verdict::failed;
    if (!none_match->any && is_read && current == none_match->timestamp) {
      return Verdict::not_modified;
    }
  }
  if (const auto& match = preconditions.if_match) {
    if (!current) return Verdict::failed;
    if (!match->any && *current != match->timestamp) return Verdict::failed;
  }
  return Verdict::proceed;
}

std::string etag_of(std::int64_t timestamp) {
  std::array<char, 24> text;
  text[0] = '"';
  char* const end = std::to_chars(text.data() + 1, text.data() + text.size(), timestamp).ptr;
  *end = '"';
  return {text.data(), end + 1};
}

std::string http_date_of(std::int64_t timestamp) {
  constexpr std::array<const char*, 7> kDays = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::int64_t day_number = timestamp / kMsPerDay;
  if (timestamp % kMsPerDay < 0) --day_number;
  const auto second = static_cast<int>((timestamp - day_number * kMsPerDay) / 1000);
  const CivilDate date = civil_date_of(day_number);
  const auto weekday = static_cast<std::size_t>(((day_number % 7) + 7) % 7);
  std::string text;
  text.reserve(32);
  text.append(kDays[weekday], 3).append(", 00 ").append(kMonths[date.month - 1], 3).push_back(' ');
  const auto write = [&text](std::size_t place, int number) {
    text[place] = static_cast<char>('0' + number / 10);
    text[place + 1] = static_cast<char>('0' + number % 10);
  };
  write(5, static_cast<int>(date.day));
  const std::string year = std::to_string(date.year);
  text.append(4 - std::min<std::size_t>(4, year.size()), '0').append(year);
  const std::size_t time = text.size() + 1;
  text.append(" 00:00:00 GMT");
  write(time, second / 3600);
  write(time + 3, second / 60 % 60);
  write(time + 6, second % 60);
  return text;
}

}  // namespace tombolo::protocol::kinto
