#include "sim/history.h"

#include <utility>

namespace tombolo::sim {
namespace {

constexpr Token kFirstToken = 1'000'000;
constexpr Token kLastToken = 1'000'000'000;  // times in milliseconds are far beyond

}  // namespace

void collect_tokens(const Object& object, std::set<Token>& tokens) {
  for (const Member& member : object) collect_tokens(member.value, tokens);
}

void collect_tokens(const Value& value, std::set<Token>& tokens) {
  if (const Object* object = value.if_object()) return collect_tokens(*object, tokens);
  if (!value.is_integer()) return;
  const std::int64_t number = value.as_integer();
  if (number > kFirstToken && number < kLastToken) tokens.insert(number);
}

Token History::begin_write(const std::string& author, const RecordName& record,
                           std::string_view field, std::int64_t at_us) {
  const Token token = ++last_token_;
  writes_.emplace(token, Write{token, author, record, std::string(field), false, at_us});
  return token;
}

void History::promise(Token token) {
  Write& write = writes_.at(token);
  write.promised = true;
  promised_[write.author].insert(token);
}

const std::set<Token>& History::promised_by(const std::string& author) const {
  static const std::set<Token> kNone;
  const auto found = promised_.find(author);
  return found == promised_.end() ? kNone : found->second;
}

std::size_t History::removed(Removal removal) {
  overwritten(removal.seen);
  removals_.push_back(std::move(removal));
  return removals_.size() - 1;
}

void History::counted(const RecordName& record, std::int64_t by, bool promised) {
  (promised ? counts_[record].promised : counts_[record].possible) += by;
}

}  // namespace tombolo::sim
