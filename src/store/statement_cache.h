// Prepared statements by their text, for SQL that is made at run time (compiled queries). Bounded:
// the least recently used statement goes first.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/statement.h"

namespace tombolo::store {

// Belongs to one connection and its thread; the connection outlives it. Leases end before it.
class StatementCache {
  struct Entry {
    std::string sql;
    Statement statement;
    bool leased = false;
    bool cached = true;
  };
  using Entries = std::list<Entry>;

 public:
  static constexpr std::size_t kDefaultCapacity = 128;  // statements

  explicit StatementCache(Connection& connection, std::size_t capacity = kDefaultCapacity)
      : connection_(connection), capacity_(capacity) {}
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;

  // A statement on loan: nobody else gets it, and it is reset when it goes back.
  class [[nodiscard]] Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Statement& operator*() const { return entry_->statement; }
    Statement* operator->() const { return &entry_->statement; }

   private:
    friend class StatementCache;
    Lease(StatementCache& cache, Entries::iterator entry) : cache_(&cache), entry_(entry) {}
    StatementCache* cache_;
    Entries::iterator entry_;
  };

  // The statement for `sql`, prepared if it is not at hand or on loan already.
  Result<Lease> get(std::string_view sql);

  std::size_t size() const { return entries_.size(); }  // statements held, those on loan included
  void clear();                                         // drops all that are not on loan

 private:
  void give_back(Entries::iterator entry);
  void evict_to(std::size_t count);

  Connection& connection_;
  std::size_t capacity_;
  Entries entries_;                                                 // most recently used first
  std::unordered_map<std::string_view, Entries::iterator> by_sql_;  // keys view Entry::sql
};

}  // namespace tombolo::store
