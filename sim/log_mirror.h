// A copy of the server's log, taken as it grows: what was seen committed once must be there for
// ever, at the same place.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/operation.h"
#include "server/server_core.h"
#include "sim/findings.h"
#include "sim/history.h"

namespace tombolo::sim {

struct Committed {
  std::int64_t sequence = 0;
  core::Operation operation;
  std::set<Token> written = {};
  std::set<Token> seen = {};  // by its author, in the fields that it writes
};

class LogMirror {
 public:
  LogMirror(World& world, Findings& findings) : world_(world), findings_(findings) {}

  // Reads what is new. False: the server's disk failed, and something may be unread.
  bool refresh(server::ServerCore& core);
  // Compares all that was read before with what is there now.
  void compare(server::ServerCore& core);

  // The server was restored: its log is another one from now on.
  void start_over();

  const std::vector<Committed>& operations() const { return operations_; }
  bool has(Token token) const { return tokens_.contains(token); }
  const std::map<Token, std::int64_t>& tokens() const { return tokens_; }  // with their sequences
  const std::set<Token>& seen() const { return seen_; }

 private:
  template <typename Visit>
  bool read(server::ServerCore& core, std::int64_t after, Visit&& visit);
  void add(std::int64_t sequence, std::string_view body);

  World& world_;
  Findings& findings_;
  std::vector<Committed> operations_;  // by sequence, from 1
  std::set<std::string> ids_;
  std::map<Token, std::int64_t> tokens_;
  std::set<Token> seen_;
};

}  // namespace tombolo::sim
