#include "server/doors/stream/upload_limit.h"

#include <gtest/gtest.h>

namespace tombolo::server::stream {
namespace {

TEST(UploadLimit, IsReachedBeyondWhatMayBeUnderWayUntilHalfOfItIsDone) {
  UploadLimit limit({.uncommitted_operations = 1000}, 0);
  limit.submitted(1000, 0);
  EXPECT_FALSE(limit.is_reached(0));
  limit.submitted(1, 0);
  EXPECT_TRUE(limit.is_reached(0));
  limit.committed(500);
  EXPECT_TRUE(limit.is_reached(0));
  limit.committed(1);
  EXPECT_FALSE(limit.is_reached(0));
  limit.submitted(500, 0);
  EXPECT_FALSE(limit.is_reached(0));
}

TEST(UploadLimit, IsReachedByMuchThatIsSmall) {
  UploadLimit limit({.uncommitted_batches = 10}, 0);
  for (int batch = 0; batch < 10; ++batch) limit.submitted(1, 0);
  EXPECT_FALSE(limit.is_reached(0));
  limit.submitted(1, 0);
  EXPECT_TRUE(limit.is_reached(0));
  for (int batch = 0; batch < 5; ++batch) limit.committed(1);
  EXPECT_TRUE(limit.is_reached(0));
  limit.committed(1);
  EXPECT_FALSE(limit.is_reached(0));
}

TEST(UploadLimit, LetsABurstThroughAndThenOnlyTheRate) {
  UploadLimit limit({.operations_per_second = 100, .operations_burst = 200}, 0);
  const auto write = [&](std::int64_t operations, std::int64_t now_ms) {
    limit.submitted(operations, now_ms);
    limit.committed(operations);
    return limit.is_reached(now_ms);
  };
  EXPECT_FALSE(write(200, 0));
  EXPECT_TRUE(write(50, 0));
  EXPECT_TRUE(limit.is_reached(490));
  EXPECT_FALSE(limit.is_reached(500));
  EXPECT_TRUE(write(1, 500));
  EXPECT_FALSE(limit.is_reached(100'000));
  EXPECT_FALSE(write(200, 100'000)) << "no more than the burst is saved up";
  EXPECT_TRUE(write(1, 100'000));
}

TEST(UploadLimit, EarnsFractionsOfASlowRate) {
  UploadLimit limit({.operations_per_second = 1, .operations_burst = 1}, 0);
  limit.submitted(2, 0);
  limit.committed(2);
  for (std::int64_t now_ms = 0; now_ms < 1000; now_ms += 10) EXPECT_TRUE(limit.is_reached(now_ms));
  EXPECT_FALSE(limit.is_reached(1000));
}

}  // namespace
}  // namespace tombolo::server::stream
