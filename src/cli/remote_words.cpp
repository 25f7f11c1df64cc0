#include "cli/remote_words.h"

#include <algorithm>

namespace tombolo::cli {

Result<ConflictPolicy> read_policy(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  if (text == "merge") return ConflictPolicy::merge;
  if (text == "server_wins") return ConflictPolicy::server_wins;
  if (text == "client_wins") return ConflictPolicy::client_wins;
  if (text == "last_writer_wins") return ConflictPolicy::last_writer_wins;
  return fail(ErrorCode::invalid_argument,
              "\"" + text +
                  "\" is no policy; it is one of merge, server_wins, client_wins, "
                  "last_writer_wins");
}

Result<Authentication> read_authentication(const std::string& token, const std::string& user,
                                           const std::string& password) {
  if (!token.empty() && !user.empty()) {
    return fail(ErrorCode::invalid_argument, "give a token or a user, not both");
  }
  if (!token.empty()) return Authentication(Token{token});
  if (!user.empty()) return Authentication(BasicCredentials{user, password});
  return Authentication(NoAuthentication{});
}

}  // namespace tombolo::cli
