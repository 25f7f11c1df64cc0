#include "sync/backoff.h"

#include <gtest/gtest.h>

#include "sync/status.h"

namespace tombolo::sync {
namespace {

TEST(Backoff, DoublesUpToItsMaximum) {
  Backoff backoff;
  for (const std::int64_t expected : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    EXPECT_EQ(backoff.next_delay_ms(0.5), expected);
  }
  backoff.reset();
  EXPECT_EQ(backoff.next_delay_ms(0.5), 1'000);
}

TEST(Backoff, SpreadsAQuarterEitherWay) {
  EXPECT_EQ(Backoff().next_delay_ms(0.0), 750);
  EXPECT_NEAR(static_cast<double>(Backoff().next_delay_ms(0.999'999)), 1'250, 1);
}

TEST(Backoff, NeverOverflows) {
  Backoff backoff;
  for (int attempt = 0; attempt < 1'000; ++attempt) {
    EXPECT_LE(backoff.next_delay_ms(0.999), 37'500);
  }
}

StatusFacts quiet() {
  StatusFacts facts;
  facts.connection = Connection::streaming;
  facts.local_fingerprint = "aa";
  facts.server_proof = protocol::Proof{"aa", 7};
  facts.server_sequence = 7;
  return facts;
}

TEST(Status, IsSyncedOnlyWhenNothingIsPendingAndTheReplicasAreProvedEqual) {
  EXPECT_EQ(derive_status(quiet()), SyncStatus::synced);
  StatusFacts facts = quiet();
  facts.pending_operations = 1;
  EXPECT_EQ(derive_status(facts), SyncStatus::syncing);
  facts = quiet();
  facts.unreadable_operations = 1;
  EXPECT_EQ(derive_status(facts), SyncStatus::syncing);
  facts = quiet();
  facts.server_proof->fingerprint = "bb";
  EXPECT_EQ(derive_status(facts), SyncStatus::syncing);
  facts = quiet();
  facts.server_sequence = 8;
  EXPECT_EQ(derive_status(facts), SyncStatus::syncing) << "the proof is older than the server";
  facts = quiet();
  facts.connection = Connection::syncing;
  EXPECT_EQ(derive_status(facts), SyncStatus::syncing);
  facts.connection = Connection::connecting;
  EXPECT_EQ(derive_status(facts), SyncStatus::connecting);
  facts.connection = Connection::disconnected;
  EXPECT_EQ(derive_status(facts), SyncStatus::offline);
}

TEST(Status, TakesTheWatermarkWhereThereIsNothingToCompare) {
  for (const bool is_foreign : {false, true}) {
    StatusFacts facts = quiet();
    facts.watermark = 7;
    if (is_foreign) {
      facts.server_proof.reset();
    } else {
      facts.local_fingerprint.reset();
    }
    EXPECT_EQ(derive_status(facts), SyncStatus::synced);
    facts.watermark = 6;
    EXPECT_EQ(derive_status(facts), SyncStatus::syncing);
  }
}

TEST(Status, SaysWhatBlocks) {
  StatusFacts facts = quiet();
  facts.block = Block::authentication;
  EXPECT_EQ(name_of(derive_status(facts)), "error");
  facts.block = Block::schema_mismatch;
  EXPECT_EQ(name_of(derive_status(facts)), "schema-mismatch");
  facts.block = Block::clock;
  EXPECT_EQ(name_of(derive_status(facts)), "clock-error");
}

}  // namespace
}  // namespace tombolo::sync
