// A named set of records in a Database: create, read, change, query.
//
//   auto languages = db.collection("languages");
//   auto id = languages.create({{"name", "Ladin"}, {"scope", "I"}});
//   languages.patch(*id, {{"speakers", 31000}});
//   auto record = languages.get(*id);  // (*record)["name"]
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/query.h"
#include "tombolo/record.h"
#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo {

namespace client {
class Engine;
class WriteSession;
}  // namespace client

struct ImportOptions {
  enum class Existing {
    fail,     // an id that exists ends the import with already_exists
    skip,     // it stays as it is
    replace,  // it becomes the imported record
    patch,    // it gets the imported fields and keeps the others
  };
  Existing existing = Existing::fail;
  // Records of one transaction. The import is durable up to the last full transaction.
  std::size_t transaction_records = 1000;
  // Told after each transaction how many of how many are done; false ends the import (cancelled).
  std::function<bool(std::size_t done, std::size_t total)> progress = {};
};

struct ImportSummary {
  std::size_t created = 0;
  std::size_t changed = 0;  // replaced or patched
  std::size_t skipped = 0;  // existed (skip), or were the same already
};

// A handle: cheap to copy, safe to use from many threads (one got from a Transaction belongs to the
// transaction's thread and ends with it). Each write is a transaction of its own, unless the handle
// is a Transaction's.
//
// A collection comes into being with its first record or setting. Its name and the ids of records:
// 1 to 1,024 bytes of UTF-8 without control characters. Where a Kinto server takes part, names and
// ids are letters, digits, '_' and '-', beginning with a letter or digit.
//
// Errors of all: invalid_argument (a value breaks the schema, a name or an id is none), not_found
// (there is no such record), limit_exceeded (a record is nested more than 128 levels deep),
// storage, busy (another process writes for longer than the wait), precondition_failed (the
// Database or the Transaction is over).
class Collection {
 public:
  const std::string& name() const { return name_; }

  // Adds a record and gives its id: a new UUIDv7, or the string under "id". Error: already_exists.
  Result<std::string> create(Object record);

  // The record with that id; not_found when there is none.
  Result<Record> get(std::string_view id) const;
  Result<bool> contains(std::string_view id) const;

  // Replaces the whole record: fields that `record` does not have go.
  Result<void> update(std::string_view id, Object record);

  // Sets the given fields and leaves the others. A null is a value like any other.
  Result<void> patch(std::string_view id, Object fields);

  // Creates the record, or replaces it when it exists.
  Result<void> put(std::string_view id, Object record);

  // Takes fields away.
  Result<void> remove_fields(std::string_view id, const std::vector<std::string>& fields);

  Result<void> remove(std::string_view id);

  // Atomic changes: they compose with what other devices do to the same field meanwhile, instead of
  // one replacing the other. A field that is missing or of another type counts as 0 for increment,
  // as [] for append and remove_element, and becomes what is given to raise_to or lower_to.
  Result<void> increment(std::string_view id, std::string_view field, Value by = 1);
  Result<void> raise_to(std::string_view id, std::string_view field, Value at_least);  // max
  Result<void> lower_to(std::string_view id, std::string_view field, Value at_most);   // min
  Result<void> append(std::string_view id, std::string_view field, Value element);
  Result<void> remove_element(std::string_view id, std::string_view field, Value element);

  // Writes many records in transactions of `transaction_records`. The id is the string under "id",
  // or a new one. In a Transaction all of it is part of that one. Of an import that fails, the
  // transactions before stay.
  Result<ImportSummary> import_records(std::span<const Object> records,
                                       const ImportOptions& options = {});

  // Queries (query.h).
  Query query() const;
  Query where(std::string_view field, Condition condition) const;
  Query order_by(std::string_view field, Order order = Order::ascending) const;
  Result<std::vector<Record>> all() const;
  Result<std::int64_t> count() const;

  // Keeps an index over these 1 to 8 fields, on this device, so that queries on the first of them,
  // or in the order of it, do not read the whole collection. Declaring it again changes nothing.
  Result<void> declare_index(const std::vector<std::string>& fields);

  // Sets the schema: JSON Schema with "x-merge" (how concurrent changes of a field become one:
  // "lww", "counter", "max", "min", "add-wins-set", "append-only", "map") and "x-index": true on
  // properties. Writes on this device are checked against it from now on; what is there is not.
  // It stays on this device: give all devices and the server the same "x-merge", or their records
  // may differ although all is synced.
  Result<void> set_schema(const Value& json_schema);
  Result<Value> schema() const;  // null when there is none

 private:
  friend class Database;
  friend class Transaction;
  Collection(std::shared_ptr<client::Engine> engine, std::weak_ptr<client::WriteSession> session,
             bool in_transaction, std::string name);

  std::shared_ptr<client::Engine> engine_;
  std::weak_ptr<client::WriteSession> session_;  // of the Transaction, when in_transaction_
  bool in_transaction_ = false;
  std::string name_;
};

}  // namespace tombolo
