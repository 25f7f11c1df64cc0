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

bool replicas_equal(const StatusFacts& facts) {
  if (!facts.local_fingerprint || !facts.server_proof) {
    return facts.watermark >= facts.server_sequence;
  }
  return *facts.local_fingerprint == facts.server_proof->fingerprint &&
         facts.server_proof->sequence >= facts.server_sequence;
}

bool is_synced(const StatusFacts& facts) {
  return facts.connection == Connection::streaming && facts.pending_operations == 0 &&
         facts.unreadable_operations == 0 && replicas_equal(facts);
}

SyncStatus derive_status(const StatusFacts& facts) {
  if (facts.block == Block::authentication) return SyncStatus::error;
  if (facts.block == Block::schema_mismatch) return SyncStatus::schema_mismatch;
  if (facts.block == Block::clock) return SyncStatus::clock_error;
  if (facts.connection == Connection::disconnected) return SyncStatus::offline;
  if (facts.connection == Connection::connecting) return SyncStatus::connecting;
  return is_synced(facts) ? SyncStatus::synced : SyncStatus::syncing;
}

}  // namespace tombolo::sync
