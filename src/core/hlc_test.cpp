// Hybrid logical clocks: the vectors of the original, and what must hold of any clock.
#include "core/hlc.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/test_vectors.h"

namespace tombolo::core {
namespace {

using testing::elements;
using testing::read_vectors;
using testing::timestamp_of;

TEST(HlcVectors, FormatsAndRefusesAsTheOriginal) {
  const Value vectors = read_vectors("hlc.json");
  int cases = 0;
  for (const Value& vector : elements(vectors["serialize"])) {
    const auto timestamp = timestamp_of(vector["ts"]);
    if (!timestamp) continue;  // fractions cannot even be stated here
    ++cases;
    const Result<std::string> text = format_timestamp(*timestamp);
    ASSERT_EQ(text.has_value(), vector["string"].is_string()) << vector.to_json();
    if (text) {
      EXPECT_EQ(*text, vector["string"].as_string());
    }
  }
  EXPECT_EQ(cases, 11);
}

TEST(HlcVectors, ParsesAndRefusesAsTheOriginal) {
  const Value vectors = read_vectors("hlc.json");
  ASSERT_EQ(vectors["deserialize"].size(), 7U);
  for (const Value& vector : elements(vectors["deserialize"])) {
    const Result<Timestamp> timestamp = parse_timestamp(vector["string"].as_string());
    ASSERT_EQ(timestamp.has_value(), vector["ts"].is_object()) << vector.to_json();
    if (timestamp) {
      EXPECT_EQ(*timestamp, timestamp_of(vector["ts"])) << vector.to_json();
    }
  }
}

TEST(HlcVectors, ComparesAsTheOriginal) {
  const Value vectors = read_vectors("hlc.json");
  ASSERT_EQ(vectors["compare"].size(), 9U);
  for (const Value& vector : elements(vectors["compare"])) {
    const auto order = *timestamp_of(vector["a"]) <=> *timestamp_of(vector["b"]);
    const int sign = order < 0 ? -1 : order > 0 ? 1 : 0;
    EXPECT_EQ(sign, vector["sign"].as_integer()) << vector.to_json();
  }
}

void expect_step(HybridLogicalClock& clock, const Value& step) {
  const std::int64_t physical_ms = step["phys"].as_integer();
  const std::string_view name = step["op"].as_string();
  if (name == "now") {
    EXPECT_EQ(clock.now(physical_ms), timestamp_of(step["result"])) << step.to_json();
  } else if (name == "advanceTo") {
    clock.advance_to(*timestamp_of(step["to"]));
  } else {
    ASSERT_EQ(name, "receive");
    const auto remote = timestamp_of(step["remote"]);
    if (!remote) return;
    const Result<Timestamp> result = clock.receive(*remote, physical_ms);
    ASSERT_EQ(result.has_value(), step["result"].is_object()) << step.to_json();
    if (result) {
      EXPECT_EQ(*result, timestamp_of(step["result"])) << step.to_json();
    }
  }
}

TEST(HlcVectors, RunsTheSequencesOfTheOriginal) {
  const Value vectors = read_vectors("hlc.json");
  ASSERT_EQ(vectors["sequences"].size(), 16U);
  for (const Value& sequence : elements(vectors["sequences"])) {
    SCOPED_TRACE(sequence["name"].as_string());
    HybridLogicalClock clock{std::string(sequence["nodeId"].as_string())};
    const Value& offset = sequence["referenceOffsetMs"];
    if (!offset.is_null()) clock.set_reference_offset_ms(offset.as_integer());
    for (const Value& step : elements(sequence["steps"])) expect_step(clock, step);
  }
}

TEST(Timestamp, RefusesTextThatIsNoTimestamp) {
  for (const char* text : {"-1:0:a", "+1:0:a", " 1:0:a", "1:-1:a", "1:100000:a", "1.5:0:a", "x:0:a",
                           "1000000000000000:0:a", "99999999999999999999:0:a", "::", "1::a"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(Timestamp, PacksInOrderUpToTheYear4892) {
  const Timestamp last{92'233'720'368'546, kMaxLogical, "n"};
  EXPECT_LT(packed_stamp({last.wall_ms, kMaxLogical - 1, "n"}), packed_stamp(last));
  EXPECT_LT(packed_stamp({last.wall_ms - 1, kMaxLogical, "n"}),
            packed_stamp({last.wall_ms, 0, "n"}));
}

TEST(Clock, RestoredFromItsLogStampsLaterThoughThePhysicalClockWasSetBack) {
  HybridLogicalClock before("a");
  const Timestamp last = before.now(1'700'000'000'000);
  HybridLogicalClock after("a");
  after.advance_to(last);
  EXPECT_GT(after.now(1'600'000'000'000), last);
}

TEST(Clock, StaysInItsFormatAtTheEndOfTime) {
  HybridLogicalClock clock("a");
  clock.now(INT64_MAX);
  for (int count = 0; count < 3; ++count) EXPECT_TRUE(format_timestamp(clock.now(INT64_MAX)));
  HybridLogicalClock poisoned("a");
  ASSERT_TRUE(poisoned.receive({kWallTimeLimit - 1, kMaxLogical, "b"}, 0));
  EXPECT_TRUE(format_timestamp(poisoned.now(0)));
  HybridLogicalClock restored("a");
  restored.advance_to({INT64_MAX, INT64_MAX, "b"});
  EXPECT_TRUE(format_timestamp(restored.now(0)));
}

RC_GTEST_PROP(ClockProperty, StampsRiseWhateverThePhysicalClockAndThePeersSay, ()) {
  HybridLogicalClock clock("n");
  Timestamp last;
  const auto steps = *rc::gen::inRange(1, 60);
  std::int64_t physical_ms = *rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000);
  for (int step = 0; step < steps; ++step) {
    physical_ms += *rc::gen::element<std::int64_t>(-86'400'000, -1, 0, 0, 0, 1, 3, 400'000);
    if (*rc::gen::arbitrary<bool>()) {
      const Timestamp stamp = clock.now(physical_ms);
      RC_ASSERT(stamp > last);
      RC_ASSERT(stamp.wall_ms >= physical_ms);
      last = stamp;
      continue;
    }
    const Timestamp remote{
        physical_ms + *rc::gen::inRange<std::int64_t>(-500'000, 500'000),
        *rc::gen::element<std::int64_t>(-1, 0, 1, kMaxLogical - 1, kMaxLogical, kMaxLogical + 1),
        "peer"};
    const Result<Timestamp> stamp = clock.receive(remote, physical_ms);
    RC_ASSERT(clock.last() >= last);
    if (stamp) RC_ASSERT(*stamp > last && *stamp > remote);
    last = clock.last();
  }
}

RC_GTEST_PROP(TimestampProperty, TextKeepsTheMomentAndItsOrder, ()) {
  const auto moment = [] {
    return Timestamp{*rc::gen::inRange<std::int64_t>(0, kWallTimeLimit),
                     *rc::gen::inRange<std::int64_t>(0, kMaxLogical + 1),
                     *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~'))};
  };
  const Timestamp left = moment();
  const Timestamp right = moment();
  const std::string left_text = format_timestamp(left).value();
  RC_ASSERT(parse_timestamp(left_text).value() == left);
  RC_ASSERT((left < right) == (left_text < format_timestamp(right).value()));
}

}  // namespace
}  // namespace tombolo::core
