// What a remote's state is, derived from facts that are at hand; kept nowhere, so that it cannot
// disagree with the data. It never says `synced` when something is pending or unproven.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/stream_message.h"

namespace tombolo::sync {

enum class Connection {
  disconnected,
  connecting,  // up to the server's answer to the handshake
  syncing,     // both sides send what the other lacks
  streaming,   // the first exchange is complete
};

// What keeps this remote from syncing until somebody acts.
enum class Block {
  none,
  authentication,   // the server refuses the credentials
  schema_mismatch,  // the server does not take this schema version
  clock,            // this machine's clock is ahead of the server's: uploads wait
};

enum class SyncStatus {
  offline,  // not connected, everything acknowledged or not
  connecting,
  syncing,  // connected, and something is on its way in either direction
  synced,   // nothing is pending and the replica equals the server's
  schema_mismatch,
  clock_error,
  error,  // the server refuses, for example the credentials
};
std::string_view name_of(SyncStatus status);  // "offline", ..., "schema-mismatch", "clock-error"

struct StatusFacts {
  Connection connection = Connection::disconnected;
  Block block = Block::none;
  std::int64_t pending_operations = 0;     // in the local log, not acknowledged, not dead
  std::int64_t unreadable_operations = 0;  // of the server's: kept, but not applied
  std::int64_t watermark = 0;              // delivery sequence up to which everything was taken
  std::int64_t server_sequence = 0;        // the highest that the server is known to have
  // Of what is held and acknowledged here; nothing when it is not kept.
  std::optional<std::string> local_fingerprint;
  std::optional<protocol::Proof> server_proof;  // the newest; a foreign server gives none
};

// Whether this replica holds what the server has, as far as the server has told. Two fingerprints
// decide when there are two; without them the watermark, which a server need not move over our own
// operations.
bool replicas_equal(const StatusFacts& facts);

// Nothing is on its way, whatever blocks: the first exchange is complete, nothing is pending or was
// left out, and the replicas are equal.
bool is_synced(const StatusFacts& facts);

SyncStatus derive_status(const StatusFacts& facts);

}  // namespace tombolo::sync
