#include "odd_values.h"

#include <array>
#include <limits>
#include <utility>

namespace tombolo::fuzz {
namespace {

constexpr std::array<const char*, 48> kWords{"",
                                             "a",
                                             "r1",
                                             "c",
                                             "main",
                                             "default",
                                             "id",
                                             "n",
                                             "x",
                                             "last_modified",
                                             "deleted",
                                             "data",
                                             "schema",
                                             "permissions",
                                             "token:bob",
                                             "write",
                                             "read",
                                             "type",
                                             "op",
                                             "add",
                                             "path",
                                             "/x",
                                             "/x/-",
                                             "value",
                                             "system.Everyone",
                                             "counter",
                                             "x-merge",
                                             "properties",
                                             "integer",
                                             "object",
                                             "$koraBytes",
                                             "kind",
                                             "increment",
                                             "append",
                                             "wallTime",
                                             "nodeId",
                                             "insert",
                                             "update",
                                             "delete",
                                             "operation-batch",
                                             "handshake",
                                             "messageId",
                                             "\"5\"",
                                             "999999999999999:00000:n",
                                             "1.5",
                                             "000000000000001:00000:n",
                                             "\xC3\xA9",
                                             "group:create"};

constexpr std::array<std::int64_t, 16> kIntegers{0,
                                                 1,
                                                 -1,
                                                 2,
                                                 255,
                                                 65'536,
                                                 1'700'000'000'000,
                                                 1'700'000'300'001,
                                                 999'999'999'999'999,
                                                 std::int64_t{1} << 52,
                                                 (std::int64_t{1} << 53) + 1,
                                                 92'233'720'368'546,
                                                 std::numeric_limits<std::int64_t>::max(),
                                                 std::numeric_limits<std::int64_t>::min(),
                                                 std::numeric_limits<std::int32_t>::max(),
                                                 99'999};

constexpr std::array<double, 6> kNumbers{0.5, -0.0, 1e300, 5e-324, 9007199254740993.0, -1e19};

}  // namespace

std::string odd_text(Choices& choices) {
  const unsigned choice = choices.byte();
  if (choice < 224) return kWords[choice % kWords.size()];
  std::string text;
  for (unsigned left = choices.below(12); left > 0; --left) {
    const std::uint8_t code = choices.byte();
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else {  // in two bytes of UTF-8
      text += static_cast<char>(0xC0 | code >> 6);
      text += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  if (choices.below(16) == 0) text.append(1'100, 'l');
  return text;
}

Value odd_value(Choices& choices, int depth) {
  switch (choices.below(depth > 0 ? 9 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return choices.below(2) == 1;
    case 2:
    case 3:
      return kIntegers[choices.below(kIntegers.size())];
    case 4:
      return kNumbers[choices.below(kNumbers.size())];
    case 5:
      return odd_text(choices);
    case 6: {
      Array array;
      for (unsigned left = choices.below(4); left > 0; --left) {
        array.push_back(odd_value(choices, depth - 1));
      }
      return array;
    }
    default: {
      Object object;
      for (unsigned left = choices.below(4); left > 0; --left) {
        const std::string key = odd_text(choices);
        object.set(key, odd_value(choices, depth - 1));
      }
      return object;
    }
  }
}

void spoil(Value& value, Choices& choices) {
  const bool here = choices.below(3) == 0;
  if (Object* object = value.if_object(); object != nullptr && !object->empty()) {
    Member& member = *(object->begin() + choices.below(static_cast<unsigned>(object->size())));
    if (!here) return spoil(member.value, choices);
    switch (choices.below(4)) {
      case 0: {
        const std::string key = member.key;
        object->erase(key);
        return;
      }
      case 1: {
        const std::string key = odd_text(choices);
        object->set(key, odd_value(choices));
        return;
      }
      default:
        member.value = odd_value(choices);
        return;
    }
  }
  if (Array* array = value.if_array(); array != nullptr && !array->empty() && !here) {
    const unsigned index = choices.below(static_cast<unsigned>(array->size()));
    if (choices.below(4) == 0) {
      array->push_back((*array)[index]);
    } else {
      spoil((*array)[index], choices);
    }
    return;
  }
  value = odd_value(choices);
}

}  // namespace tombolo::fuzz
