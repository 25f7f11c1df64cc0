#include "sync/status.h"

namespace tombolo::sync {

std::string_view name_of(SyncStatus status) {
  switch (status) {
    case SyncStatus::offline:
      return "offline";
    case SyncStatus::connecting:
      return "connecting";
    case SyncStatus::syncing:
      return "syncing";
    case SyncStatus::synced:
      return "synced";
    case SyncStatus::schema_mismatch:
      return "schema-mismatch";
    case SyncStatus::clock_error:
      return "clock-error";
    case SyncStatus::error:
      return "error";
  }
  return "error";
}

bool fingerprints_equal(const StatusFacts& facts) {
  if (!facts.server_fingerprint) return true;
  return facts.local_fingerprint == facts.server_fingerprint;
}

SyncStatus derive_status(const StatusFacts& facts) {
  if (facts.block == Block::authentication) return SyncStatus::error;
  if (facts.block == Block::schema_mismatch) return SyncStatus::schema_mismatch;
  if (facts.block == Block::clock) return SyncStatus::clock_error;
  if (facts.connection == Connection::disconnected) return SyncStatus::offline;
  if (facts.connection == Connection::connecting) return SyncStatus::connecting;
  const bool quiet = facts.connection == Connection::streaming && facts.pending_operations == 0;
  return quiet && fingerprints_equal(facts) ? SyncStatus::synced : SyncStatus::syncing;
}

}  // namespace tombolo::sync
