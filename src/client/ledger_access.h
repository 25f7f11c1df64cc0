// The loss ledger and the dead letters, as a Database shows them.
#pragma once

#include <cstdint>
#include <vector>

#include "client/reader_pool.h"
#include "client/write_session.h"

#include "tombolo/ledger.h"
#include "tombolo/result.h"

namespace tombolo::client {

Result<std::vector<Loss>> read_losses(const ReadConnection& read);  // the unresolved, oldest first
Result<void> restore_loss(WriteSession& session, std::int64_t id);
Result<void> dismiss_loss(WriteSession& session, std::int64_t id);

Result<std::vector<DeadLetter>> read_dead_letters(const ReadConnection& read);
Result<void> retry_dead_letter(WriteSession& session, std::int64_t id);
Result<void> discard_dead_letter(WriteSession& session, std::int64_t id);

}  // namespace tombolo::client
