// Connections for reading, lent to whoever reads: each query sees one snapshot, and readers wait
// for nobody. Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/connection.h"
#include "store/statement.h"
#include "store/statement_cache.h"

#include "tombolo/result.h"

namespace tombolo::client {

// What reads run on: a pooled connection, or the writer's own inside a transaction.
struct ReadConnection {
  store::Connection& connection;
  store::StatementCache& cache;
};

class Reader {
 public:
  explicit Reader(store::Connection connection)
      : connection_(std::move(connection)), cache_(connection_) {}
  ReadConnection access() { return {connection_, cache_}; }

  // The key of a collection; 0 when there is none (yet). Keys are for ever.
  Result<std::int64_t> collection_key(std::string_view name);

 private:
  store::Connection connection_;
  store::StatementCache cache_;
  std::map<std::string, std::int64_t, std::less<>> keys_;
};

class ReaderPool {
 public:
  static constexpr std::size_t kMaxIdle = 8;  // connections kept for the next reader

  ReaderPool(std::string path, store::OpenOptions options)
      : path_(std::move(path)), options_(std::move(options)) {}

  class [[nodiscard]] Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Reader> reader)
        : pool_(&pool), reader_(std::move(reader)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (reader_) pool_->give_back(std::move(reader_));
    }
    Reader& operator*() const { return *reader_; }
    Reader* operator->() const { return reader_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Reader> reader_;
  };

  // Errors: precondition_failed (closed), storage.
  Result<Lease> lease();

  // Closes the idle connections, and those on loan when they come back.
  void close();

 private:
  void give_back(std::unique_ptr<Reader> reader);

  const std::string path_;
  const store::OpenOptions options_;
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace tombolo::client
