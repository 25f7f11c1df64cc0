#include "tombolo/query.h"

#include "client/engine.h"
#include "client/query_compiler.h"
#include "client/query_runner.h"
#include "client/scoped_access.h"

namespace tombolo {

Query::Query(std::shared_ptr<client::Engine> engine, std::weak_ptr<client::WriteSession> session,
             bool in_transaction, std::string collection)
    : engine_(std::move(engine)),
      session_(std::move(session)),
      in_transaction_(in_transaction),
      collection_(std::move(collection)) {}

Query Query::where(std::string_view field, Condition condition) const {
  Query query = *this;
  query.specification_.filters.push_back({std::string(field), std::move(condition)});
  return query;
}

Query Query::order_by(std::string_view field, Order order) const {
  Query query = *this;
  query.specification_.sorts.push_back({std::string(field), order});
  return query;
}

Query Query::limit(std::int64_t records) const {
  Query query = *this;
  query.specification_.limit = records;
  return query;
}

Query Query::offset(std::int64_t records) const {
  Query query = *this;
  query.specification_.offset = records;
  return query;
}

Result<std::vector<Record>> Query::all() const {
  std::vector<Record> records;
  auto done = each([&](const Record& record) {
    records.push_back(record);
    return true;
  });
  if (!done) return fail(done);
  return records;
}

Result<std::optional<Record>> Query::first() const {
  std::optional<Record> found;
  const std::int64_t one = std::min<std::int64_t>(specification_.limit.value_or(1), 1);
  auto done = limit(one).each([&](const Record& record) {
    found = record;
    return false;
  });
  if (!done) return fail(done);
  return found;
}

Result<std::int64_t> Query::count() const {
  return client::read_collection(
      *engine_, session_, in_transaction_, collection_,
      [&](const client::ReadConnection& read, std::int64_t key) -> Result<std::int64_t> {
        return client::count_records(read, key, specification_);
      });
}

Result<void> Query::each(const std::function<bool(const Record&)>& visit) const {
  return client::read_collection(
      *engine_, session_, in_transaction_, collection_,
      [&](const client::ReadConnection& read, std::int64_t key) -> Result<void> {
        return client::for_each_record(read, key, specification_, visit);
      });
}

Result<LiveQuery> Query::observe(std::function<void(const Changes&)> changed) const {
  if (in_transaction_) {
    return fail(ErrorCode::precondition_failed, "a query inside a transaction cannot be observed");
  }
  if (const auto good = client::compile(0, specification_); !good) return fail(good);
  if (const auto open = engine_->reader(); !open) return fail(open);
  return LiveQuery(engine_->notifier().watch(collection_, specification_, std::move(changed)));
}

Result<std::string> Query::explain() const {
  return client::read_collection(
      *engine_, session_, in_transaction_, collection_,
      [&](const client::ReadConnection& read, std::int64_t key) -> Result<std::string> {
        return client::explain_query(read, key, specification_);
      });
}

}  // namespace tombolo
