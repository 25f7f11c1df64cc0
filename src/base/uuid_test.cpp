#include "base/uuid.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace tombolo {
namespace {

class ManualClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_ms; }
  std::int64_t monotonic_ms() const override { return now_ms; }
  std::int64_t now_ms = 1'700'000'000'000;
};

std::int64_t time_of(const UuidBytes& bytes) {
  std::int64_t time_ms = 0;
  for (std::size_t index = 0; index < 6; ++index) time_ms = time_ms << 8 | bytes[index];
  return time_ms;
}

TEST(Uuid, CarriesVersionVariantAndTime) {
  ManualClock clock;
  SeededRandom random(1);
  UuidGenerator generator(clock, random);
  for (int count = 0; count < 100; ++count) {
    const UuidBytes bytes = generator.next_bytes();
    EXPECT_EQ(bytes[6] >> 4, 7);
    EXPECT_EQ(bytes[8] >> 6, 2);
    EXPECT_EQ(time_of(bytes), clock.now_ms);
    ++clock.now_ms;
  }
}

TEST(Uuid, RunsAheadOfAStandingClockRatherThanRepeat) {
  ManualClock clock;
  SeededRandom random(1);
  UuidGenerator generator(clock, random);
  UuidBytes last = generator.next_bytes();
  for (int count = 0; count < 10'000; ++count) {
    const UuidBytes next = generator.next_bytes();
    ASSERT_LT(last, next);
    last = next;
  }
  EXPECT_GT(time_of(last), clock.now_ms);
  EXPECT_LE(time_of(last), clock.now_ms + 3);
}

RC_GTEST_PROP(Uuid, IncreasesWhateverTheClockDoes, (std::uint64_t seed)) {
  ManualClock clock;
  SeededRandom random(seed);
  UuidGenerator generator(clock, random);
  std::string last;
  for (const int jump_ms : *rc::gen::container<std::vector<int>>(rc::gen::inRange(-5000, 5000))) {
    clock.now_ms += jump_ms;
    const std::string next = generator.next();
    RC_ASSERT(last < next);
    last = next;
  }
}

RC_GTEST_PROP(Uuid, TextAndBytesAreOneToOne, ()) {
  const auto bytes = *rc::gen::container<UuidBytes>(rc::gen::arbitrary<std::uint8_t>());
  const std::string text = uuid_text(bytes);
  RC_ASSERT(text.size() == 36U);
  RC_ASSERT(parse_canonical_uuid(text) == bytes);
}

TEST(Uuid, OnlyTheCanonicalTextIsRead) {
  EXPECT_TRUE(parse_canonical_uuid("0188c8d4-6f3b-7cde-8f01-23456789abcd"));
  for (const char* text :
       {"", "0188c8d4-6f3b-7cde-8f01-23456789abc", "0188c8d4-6f3b-7cde-8f01-23456789abcde",
        "0188C8D4-6f3b-7cde-8f01-23456789abcd", "0188c8d46f3b7cde8f0123456789abcd",
        "{188c8d4-6f3b-7cde-8f01-23456789abcd", "0188c8d4-6f3b-7cde-8f01-23456789abcg",
        "0188c8d4-6f3b-7cde-8f01023456789abcd", "0188c8d-46f3b-7cde-8f01-23456789abcd"}) {
    EXPECT_FALSE(parse_canonical_uuid(text)) << text;
  }
}

}  // namespace
}  // namespace tombolo
