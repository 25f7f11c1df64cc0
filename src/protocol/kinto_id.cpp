#include "protocol/kinto_id.h"

#include <algorithm>

namespace tombolo::protocol::kinto {
namespace {

constexpr std::string_view kLettersAndDigits =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool is_letter_or_digit(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9');
}

}  // namespace

bool is_valid_id(std::string_view id) {
  return !id.empty() && is_letter_or_digit(id.front()) &&
         std::all_of(id.begin(), id.end(), [](char character) {
           return is_letter_or_digit(character) || character == '_' || character == '-';
         });
}

std::string generate_short_id(Random& random) {
  std::string id;
  for (std::size_t count = 0; count < kGeneratedIdLength; ++count) {
    id.push_back(kLettersAndDigits[random.below(kLettersAndDigits.size())]);
  }
  return id;
}

}  // namespace tombolo::protocol::kinto
