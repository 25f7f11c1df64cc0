#include "bare_store.h"

#include <cstring>
#include <span>

#include "base/uuid.h"
#include "store/connection.h"
#include "store/statement.h"
#include "store/transaction.h"

namespace tombolo::bench {
namespace {

using store::Blob;
using store::Connection;
using store::Statement;

std::string copy(Blob blob) {
  return {reinterpret_cast<const char*>(blob.data()), blob.size()};
}

Blob blob(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

Result<Connection> open(const std::string& file, store::OpenMode mode) {
  store::OpenOptions options;
  options.mode = mode;
  options.synchronous = store::Synchronous::full;
  return Connection::open(file, options);
}

}  // namespace

Result<BareRows> BareRows::read(const std::string& file) {
  auto connection = open(file, store::OpenMode::read_only);
  if (!connection) return fail(connection);
  auto records = Statement::prepare(
      *connection,
      "SELECT record_key, collection_key, id, data, stamp, node_key, revision FROM records");
  if (!records) return fail(records);
  BareRows rows;
  {
    auto found = records->query();
    for (auto more = found.next(); more && *more; more = found.next()) {
      const store::Row row = found.row();
      rows.records_.push_back({row.int64(0), row.int64(1), copy(row.blob(2)),
                               std::string(row.text(3)), row.int64(4), row.int64(5), row.int64(6)});
    }
  }
  auto operations = Statement::prepare(
      *connection,
      "SELECT position, operation_id, record_key, stamp, node_key, sequence_number, body, pending "
      "FROM operations");
  if (!operations) return fail(operations);
  auto found = operations->query();
  for (auto more = found.next(); more && *more; more = found.next()) {
    const store::Row row = found.row();
    rows.operations_.push_back({row.int64(0), copy(row.blob(1)), row.int64(2), row.int64(3),
                                row.int64(4), row.int64(5), std::string(row.text(6)),
                                row.int64(7)});
  }
  if (rows.records_.empty() || rows.records_.size() != rows.operations_.size()) {
    return fail(ErrorCode::internal, "expected one operation for each record in " + file);
  }
  return rows;
}

Result<void> BareRows::insert_into(const std::string& file, int records_per_transaction) const {
  auto connection = open(file, store::OpenMode::read_write);
  if (!connection) return fail(connection);
  auto record = Statement::prepare(
      *connection,
      "INSERT INTO records(record_key, collection_key, id, data, deleted, stamp, node_key, "
      "revision) VALUES(?, ?, ?, ?, 0, ?, ?, ?)");
  if (!record) return fail(record);
  auto operation = Statement::prepare(
      *connection,
      "INSERT INTO operations(position, operation_id, record_key, stamp, node_key, "
      "sequence_number, body, pending) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  if (!operation) return fail(operation);
  const auto step = static_cast<std::size_t>(records_per_transaction);
  for (std::size_t first = 0; first < records_.size(); first += step) {
    auto transaction = store::Transaction::begin(*connection);
    if (!transaction) return fail(transaction);
    for (std::size_t index = first; index < std::min(first + step, records_.size()); ++index) {
      const RecordRow& r = records_[index];
      const OperationRow& o = operations_[index];
      const auto first_done =
          record->run(r.key, r.collection_key, blob(r.id), r.data, r.stamp, r.node_key, r.revision);
      if (!first_done) return first_done;
      const auto second_done = operation->run(o.position, blob(o.id), o.record_key, o.stamp,
                                              o.node_key, o.sequence_number, o.body, o.pending);
      if (!second_done) return second_done;
    }
    if (auto committed = transaction->commit(); !committed) return committed;
  }
  return {};
}

Result<void> BareRows::select_all(const std::string& file, int count) const {
  auto connection = open(file, store::OpenMode::read_only);
  if (!connection) return fail(connection);
  auto select = Statement::prepare(
      *connection, "SELECT data, deleted FROM records WHERE collection_key = ? AND id = ?");
  if (!select) return fail(select);
  std::string data;
  for (int index = 0; index < count; ++index) {
    const RecordRow& wanted = records_[static_cast<std::size_t>(index) * 7919 % records_.size()];
    const auto found = select->query_one(
        [&](const store::Row& row) {
          data = row.text(0);
          return row.int64(1);
        },
        wanted.collection_key, blob(wanted.id));
    if (!found || !*found) return fail(ErrorCode::internal, "a record is missing in " + file);
  }
  return {};
}

std::string BareRows::id(std::size_t index) const {
  UuidBytes bytes{};
  const std::string& stored = records_[index % records_.size()].id;
  std::memcpy(bytes.data(), stored.data(), std::min(bytes.size(), stored.size()));
  return uuid_text(bytes);
}

}  // namespace tombolo::bench
