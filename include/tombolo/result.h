// Errors are values: every function that a user, a disk or a network can make fail returns a
// Result.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace tombolo {

// What kind of failure it was. Stable: a number never changes its meaning, and none is used again.
enum class ErrorCode : int {
  invalid_argument = 1,     // the caller's value is out of its range or of the wrong type
  invalid_data = 2,         // bytes from a file or a peer break their format
  not_found = 3,            // the named thing does not exist
  already_exists = 4,       // the named thing exists and was to be new
  precondition_failed = 5,  // the thing is not in the state that the caller required
  permission_denied = 6,    // the caller may not do this
  unauthenticated = 7,      // the caller must first say who it is
  limit_exceeded = 8,       // larger, deeper or more than the limit that the message names
  unavailable = 9,          // the peer or the network does not answer now; try again later
  timeout = 10,             // the time given ran out
  storage = 11,             // the database file cannot be read or written (disk full, I/O error)
  corrupt = 12,             // the database file is damaged or is not one of ours
  busy = 13,                // another process holds the lock for longer than the wait allowed
  protocol = 14,            // the peer broke the protocol
  conflict = 15,            // two changes contradict each other and no rule decides
  unsupported = 16,         // this build or this version cannot do it
  cancelled = 17,           // the caller stopped it
  internal = 18,            // a defect in Tombolo
};

// The stable name of a code, e.g. "not_found".
std::string_view name_of(ErrorCode code);

// A failure: the code for programs, and a sentence for the person who must act on it, saying what
// was wrong, where, and what to do.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

// Makes the failing side of a Result: `return fail(ErrorCode::not_found, "no record " + id);`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error{code, std::move(message)});
}

// Passes the error of another Result on: `if (!page) return fail(page);`
template <typename T>
[[nodiscard]] std::unexpected<Error> fail(const Result<T>& result) {
  return std::unexpected<Error>(result.error());
}

}  // namespace tombolo
