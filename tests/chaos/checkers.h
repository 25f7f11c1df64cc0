// What must hold in every run, judged from its history alone. Each checker is a function of the
// history, tested with false histories (checkers_test.cpp).
//
// The checks follow those of the public PowerSync workload for Jepsen (causal consistency, atomic
// transactions, strong convergence), as far as docs/architecture.md promises them, and add what
// else it promises: what is acknowledged is durable, "synced" is never said when it is not.
#pragma once

#include <cstdint>
#include <vector>

#include "history.h"

namespace tombolo::chaos {

// The log has each operation once. It has all acknowledged writes, none that was refused or that
// nobody made, and of a transaction without an answer all or nothing. A kill of the server takes
// nothing out of it, and what a device called synced before is in it.
std::vector<Violation> check_log(const History& history);

// What was read. In a transaction reads are of one state, and see the writes before them. A value
// was written by somebody. In a session nothing goes back: a read sees the session's own writes or
// newer ones, at least what it saw before, and with a value everything that its author knew when it
// was written (its own earlier writes included); all of it at once when the author is this session.
// A question for news brings everything that others had published before.
struct ReadReport {
  std::vector<Violation> violations;
  // Reads that saw a part of another device's transaction: not promised to be whole, so counted.
  std::int64_t torn_views = 0;
};
ReadReport check_reads(const History& history);

// The counter never falls in a session, counts its own increments, never counts more than anybody
// made, and in the end is their number in the log, the acknowledged ones included.
std::vector<Violation> check_counter(const History& history);

// In the end all replicas are byte for byte the server's, and that is what the log says: of each
// register the newest value, of notes and drafts those whose newest operation is no delete.
std::vector<Violation> check_convergence(const History& history);

struct Verdict {
  std::vector<Violation> violations;
  std::int64_t torn_views = 0;
};
Verdict check(const History& history);

}  // namespace tombolo::chaos
