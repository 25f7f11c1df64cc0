// What was written in a world, as those who wrote it know it, kept outside of all databases: what
// must be there in the end, and what may be.
//
// Every value that is written is a number of its own, a token, so that wherever it goes it can be
// told. A token in a field is also the write that put it there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/value.h"

namespace tombolo::sim {

using Token = std::int64_t;

struct RecordName {
  std::string collection;
  std::string id;
  friend auto operator<=>(const RecordName&, const RecordName&) = default;
  std::string text() const { return collection + "/" + id; }
};

// The tokens anywhere in a value.
void collect_tokens(const Value& value, std::set<Token>& tokens);
void collect_tokens(const Object& object, std::set<Token>& tokens);

struct Write {
  Token token = 0;
  std::string author;
  RecordName record;
  std::string field;
  bool promised = false;  // the author was told that it is done; otherwise nobody knows
  std::int64_t at_us = 0;
};

struct Removal {
  std::string author = {};
  RecordName record = {};
  std::set<Token> seen = {};  // in the record that it removed
  bool promised = false;
};

// One request of a caller, for the history of a record's versions.
struct Call {
  std::string caller = {};
  std::string method = {};
  RecordName record = {};
  std::optional<std::int64_t> if_match = {};
  bool if_none = false;  // If-None-Match: *
  std::int64_t sent_us = 0;
  std::int64_t answered_us = -1;  // -1: never
  int status = 0;
  std::optional<std::int64_t> version = {};  // in the answer
};

class History {
 public:
  // A token that nobody has used; it is unknown what becomes of it.
  Token begin_write(const std::string& author, const RecordName& record, std::string_view field,
                    std::int64_t at_us);
  // Its author was told that it is done.
  void promise(Token token);
  // Somebody wrote over it who had seen it.
  void overwritten(Token token) { overwritten_.insert(token); }
  void overwritten(const std::set<Token>& tokens) {
    overwritten_.insert(tokens.begin(), tokens.end());
  }
  // Its number, for promise_removal().
  std::size_t removed(Removal removal);
  void promise_removal(std::size_t number) { removals_[number].promised = true; }
  // `by` was added to a counter.
  void counted(const RecordName& record, std::int64_t by, bool promised);

  const std::map<Token, Write>& writes() const { return writes_; }
  const std::set<Token>& overwritten() const { return overwritten_; }
  const std::vector<Removal>& removals() const { return removals_; }
  struct Count {
    std::int64_t promised = 0;
    std::int64_t possible = 0;  // besides those
  };
  const std::map<RecordName, Count>& counts() const { return counts_; }
  // Of one author, those that are promised.
  const std::set<Token>& promised_by(const std::string& author) const;

  std::vector<Call> calls;

 private:
  Token last_token_ = 1'000'000;  // far from what else is in a record
  std::map<Token, Write> writes_;
  std::map<std::string, std::set<Token>> promised_;
  std::set<Token> overwritten_;
  std::vector<Removal> removals_;
  std::map<RecordName, Count> counts_;
};

}  // namespace tombolo::sim
