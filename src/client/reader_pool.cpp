#include "client/reader_pool.h"

#include "store/id.h"

namespace tombolo::client {

Result<std::int64_t> Reader::collection_key(std::string_view name) {
  if (const auto known = keys_.find(name); known != keys_.end()) return known->second;
  auto select = cache_.get("SELECT collection_key FROM collections WHERE name = ?1");
  if (!select) return fail(select);
  auto key = (*select)->query_one([](const store::Row& row) { return row.int64(0); }, name);
  if (!key) return fail(key);
  if (!*key) return 0;
  keys_.emplace(name, **key);
  return **key;
}

Result<ReaderPool::Lease> ReaderPool::lease() {
  {
    const std::lock_guard guard(mutex_);
    if (closed_)
      return fail(ErrorCode::precondition_failed, "the database " + path_ + " is closed");
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(reader));
    }
  }
  auto connection = store::Connection::open(path_, options_);
  if (!connection) return fail(connection);
  if (auto done = store::define_id_functions(*connection); !done) return fail(done);
  return Lease(*this, std::make_unique<Reader>(std::move(*connection)));
}

void ReaderPool::close() {
  std::vector<std::unique_ptr<Reader>> idle;
  const std::lock_guard guard(mutex_);
  closed_ = true;
  idle.swap(idle_);
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
  const std::lock_guard guard(mutex_);
  if (!closed_ && idle_.size() < kMaxIdle) idle_.push_back(std::move(reader));
}

}  // namespace tombolo::client
