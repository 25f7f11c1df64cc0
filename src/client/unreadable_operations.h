// Operations of a server that could not be applied here: those of a later version of the protocol,
// or that break a rule. The server will not send them again, so they are kept as they came, counted
// in the remote's status, and tried again at each connection: an updated program may read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/reader_pool.h"
#include "client/write_session.h"
#include "core/fingerprint.h"

#include "tombolo/result.h"

namespace tombolo::client {

// Keeps one, unless it is kept already. `operation_id`: empty when it cannot be read.
Result<void> keep_unreadable(WriteSession& session, std::int64_t remote_key,
                             std::string_view server, std::string_view operation_id,
                             std::string_view body, std::string_view reason);

struct KeptOperation {
  std::int64_t key = 0;
  std::string operation_id;
  std::string body;
};
// Those of one server, in the order of their keys: at most `max_operations` with a key above
// `after`.
Result<std::vector<KeptOperation>> read_unreadable(const ReadConnection& read,
                                                   std::int64_t remote_key, std::string_view server,
                                                   std::int64_t after, std::size_t max_operations);

Result<void> forget_unreadable(WriteSession& session, std::int64_t key);
// All of one server's: it will send everything again.
Result<void> forget_unreadable(WriteSession& session, std::int64_t remote_key,
                               std::string_view server);

// Of the server that the remote turned out to be last.
Result<std::int64_t> count_unreadable(const ReadConnection& read, std::int64_t remote_key);

// What they add to the fingerprint of what is held here; nothing when one of them has no id that
// could be added.
Result<std::optional<core::Fingerprint>> fingerprint_of_unreadable(const ReadConnection& read,
                                                                   std::int64_t remote_key,
                                                                   std::string_view server);

}  // namespace tombolo::client
