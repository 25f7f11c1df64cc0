// What is kept of a remote: which operations it lacks, how far it was read, what it refused.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/reader_pool.h"
#include "client/write_session.h"
#include "core/version_vector.h"

#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::client {

// Finds the remote by its name or makes it, with every operation of its collections pending.
// Errors as Database::connect.
Result<RemoteEntry> register_remote(WriteSession& session, const RemoteOptions& options,
                                    RemoteKind kind);
// Its records stay, as this device's own.
Result<void> forget_remote(WriteSession& session, std::string_view name);

// Makes a kinto remote the owner of the collection's history, with every operation pending.
Result<void> give_collection(WriteSession& session, const RemoteEntry& remote,
                             const CollectionEntry& collection);

// The server that the remote turned out to be last time; empty before the first time.
Result<std::string> last_server(const ReadConnection& read, std::int64_t remote_key);
Result<void> set_last_server(WriteSession& session, std::int64_t remote_key,
                             std::string_view server);

// A cursor of the remote's; nothing before the first.
Result<std::optional<std::string>> read_cursor(const ReadConnection& read, std::int64_t remote_key,
                                               std::string_view server, std::string_view scope);
Result<void> write_cursor(WriteSession& session, std::int64_t remote_key, std::string_view server,
                          std::string_view scope, std::string_view value);
// Also those of other servers.
Result<void> forget_cursors(WriteSession& session, std::int64_t remote_key, std::string_view scope);
Result<void> note_synced(WriteSession& session, std::int64_t remote_key);

// Operations in the log that the remote has not acknowledged, in log order: as many as fit both
// limits, but at least one. `max_bytes` counts their bodies as they are stored.
struct LoggedOperation {
  std::int64_t position = 0;
  core::Operation operation;
};
Result<std::vector<LoggedOperation>> read_pending(const ReadConnection& read,
                                                  std::int64_t remote_bit, std::int64_t after,
                                                  std::size_t max_operations,
                                                  std::size_t max_bytes);

// Positions that are gone are left out: no position is ever given to another operation.
Result<void> acknowledge(WriteSession& session, std::int64_t remote_bit,
                         std::span<const std::int64_t> positions);

// Notes that the remote has the operation after all: it came from there.
Result<void> note_held(WriteSession& session, std::int64_t remote_bit, std::int64_t position,
                       bool was_pending);

// Moves an operation from pending into the dead letters.
Result<void> bury(WriteSession& session, const RemoteEntry& remote, std::int64_t position,
                  std::string_view code, std::string_view reason);

// Every operation of the remote's collections whose author's sequence number is above `vector`
// becomes pending, also those that the remote refused once: their letters go.
Result<void> make_pending_above(WriteSession& session, const RemoteEntry& remote,
                                const core::VersionVector& vector);

Result<core::VersionVector> read_version_vector(const ReadConnection& read);

// The fingerprint, in hexadecimal, of what the remote should hold: the operations of its
// collections that are neither pending nor dead.
Result<std::string> fingerprint_of(const ReadConnection& read, const RemoteEntry& remote);

}  // namespace tombolo::client
