#include "core/names.h"

#include <gtest/gtest.h>
#include <string>

#include "core/operation.h"

namespace tombolo::core {
namespace {

TEST(Names, AnyTextOfUpTo1024BytesNames) {
  for (const std::string& name :
       {std::string("a"), std::string("_private"), std::string("a b/c.d"), std::string("Grüße"),
        std::string("'; DROP TABLE records"), std::string(kMaxNameBytes, 'x')}) {
    EXPECT_TRUE(check_name("a record", name)) << name;
  }
}

TEST(Names, WhatCannotBeKeptOrReadAloudIsRefusedWithTheReason) {
  const auto refusal = [](std::string_view name) {
    const auto checked = check_name("a record", name);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(refusal(""), "\"\" cannot name a record: it is empty");
  EXPECT_EQ(
      refusal(std::string(kMaxNameBytes + 1, 'x')),
      "\"" + std::string(80, 'x') + "\" cannot name a record: it has 1025 bytes and may have 1024");
  EXPECT_EQ(refusal("a\nb"), "this name cannot name a record: it holds a control character");
  EXPECT_EQ(refusal(std::string_view("a\0b", 3)),
            "this name cannot name a record: it holds a control character");
  EXPECT_EQ(refusal("\xff"), "this name cannot name a record: it is not valid UTF-8");
  EXPECT_EQ(refusal("\xed\xa0\x80"), "this name cannot name a record: it is not valid UTF-8");
}

TEST(Names, NoPlaceOfAControlCharacterIsOverlooked) {
  for (std::size_t size = 1; size <= 50; ++size) {
    const std::string good(size, 'x');
    EXPECT_TRUE(check_name("a record", good)) << size;
    for (std::size_t place = 0; place < size; ++place) {
      for (const char bad : {'\0', '\x1f', '\x7f', '\xff'}) {
        std::string name = good;
        name[place] = bad;
        EXPECT_FALSE(check_name("a record", name)) << size << " " << place;
      }
    }
  }
}

TEST(Names, AnOperationFollowsTheRuleInAllItsNames) {
  Operation good;
  good.node = "n";
  good.collection = "c";
  good.record = "r";
  good.data.emplace();
  good.timestamp = {1, 0, "n"};
  ASSERT_TRUE(check_operation(good));
  const std::string bad(kMaxNameBytes + 1, 'x');
  for (std::string Operation::* const name :
       {&Operation::node, &Operation::collection, &Operation::record}) {
    Operation operation = good;
    operation.*name = bad;
    EXPECT_EQ(check_operation(operation).error().code, ErrorCode::invalid_argument);
  }
  Operation operation = good;
  operation.timestamp.node = bad;
  EXPECT_FALSE(check_operation(operation));
}

}  // namespace
}  // namespace tombolo::core
