#include "store/statement_cache.h"

#include <utility>

namespace tombolo::store {

StatementCache::Lease::Lease(Lease&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)), entry_(other.entry_) {}

StatementCache::Lease::~Lease() {
  if (cache_ != nullptr) cache_->give_back(entry_);
}

Result<StatementCache::Lease> StatementCache::get(std::string_view sql) {
  const auto found = by_sql_.find(sql);
  if (found != by_sql_.end() && !found->second->leased) {
    const Entries::iterator entry = found->second;
    entries_.splice(entries_.begin(), entries_, entry);
    entry->leased = true;
    return Lease(*this, entry);
  }
  auto statement = Statement::prepare(connection_, sql);
  if (!statement) return fail(statement);
  entries_.push_front(Entry{std::string(sql), std::move(*statement), true, false});
  const Entries::iterator entry = entries_.begin();
  if (found == by_sql_.end()) {
    by_sql_.emplace(entry->sql, entry);
    entry->cached = true;
  }
  evict_to(capacity_);
  return Lease(*this, entry);
}

void StatementCache::clear() {
  evict_to(0);
}

void StatementCache::give_back(Entries::iterator entry) {
  entry->statement.reset();
  entry->leased = false;
  if (!entry->cached) entries_.erase(entry);
  evict_to(capacity_);
}

void StatementCache::evict_to(std::size_t count) {
  auto entry = entries_.end();
  while (entries_.size() > count && entry != entries_.begin()) {
    --entry;
    if (entry->leased) continue;
    by_sql_.erase(entry->sql);
    entry = entries_.erase(entry);
  }
}

}  // namespace tombolo::store
