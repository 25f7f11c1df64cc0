// Remotes as people and programs name them.
#pragma once

#include <string>

#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::cli {

// "merge", "server_wins", "client_wins", "last_writer_wins" (hyphens do too). Error:
// invalid_argument.
Result<ConflictPolicy> read_policy(std::string text);

// A token, or a user with a password; all empty: none. Error: invalid_argument for both.
Result<Authentication> read_authentication(const std::string& token, const std::string& user,
                                           const std::string& password);

}  // namespace tombolo::cli
