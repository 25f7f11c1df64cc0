#include "row_copy.h"

#include <algorithm>
#include <filesystem>
#include <sqlite3.h>

#include "store/statement.h"
#include "store/transaction.h"
#include "timing.h"

namespace tombolo::bench {
namespace {

// After how many pages of log the server asks for a checkpoint (its 16 MB).
constexpr int kServerCheckpointPages = 2048;

Error sqlite_failure(sqlite3* database) {
  return {ErrorCode::storage, std::string("the bare copy failed: ") + sqlite3_errmsg(database)};
}

// SQLite set up for a while as the server's program does it. No connection may be open before or
// after.
class MemoryCount {
 public:
  explicit MemoryCount(bool counts) : counts_(counts) { set(counts); }
  ~MemoryCount() { set(true); }
  MemoryCount(const MemoryCount&) = delete;
  MemoryCount& operator=(const MemoryCount&) = delete;

 private:
  void set(bool counts) const {
    if (counts_) return;
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, counts ? 1 : 0);
  }

  const bool counts_;
};

}  // namespace

// Prepared inserts, bound and stepped through SQLite's own interface.
class RowCopy::Inserts {
 public:
  explicit Inserts(sqlite3* database) : database_(database) {}
  ~Inserts() {
    for (sqlite3_stmt* statement : statements_) sqlite3_finalize(statement);
  }
  Inserts(const Inserts&) = delete;
  Inserts& operator=(const Inserts&) = delete;

  Result<void> prepare(const std::vector<Rows>& tables) {
    for (const Rows& table : tables) {
      sqlite3_stmt* statement = nullptr;
      if (sqlite3_prepare_v3(database_, table.insert.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                             &statement, nullptr) != SQLITE_OK) {
        return std::unexpected(sqlite_failure(database_));
      }
      statements_.push_back(statement);
    }
    return {};
  }

  Result<void> insert(const std::vector<Rows>& tables, std::size_t operation) {
    for (std::size_t table = 0; table < tables.size(); ++table) {
      sqlite3_stmt* const statement = statements_[table];
      const Cell* const row = &tables[table].cells[operation * tables[table].columns];
      for (std::size_t column = 0; column < tables[table].columns; ++column) {
        bind(statement, static_cast<int>(column) + 1, row[column]);
      }
      const int code = sqlite3_step(statement);
      sqlite3_reset(statement);
      if (code != SQLITE_DONE) return std::unexpected(sqlite_failure(database_));
    }
    return {};
  }

 private:
  static void bind(sqlite3_stmt* statement, int index, const Cell& cell) {
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
      sqlite3_bind_int64(statement, index, *integer);
    } else if (const auto* text = std::get_if<std::string>(&cell)) {
      sqlite3_bind_text(statement, index, text->data(), static_cast<int>(text->size()),
                        SQLITE_STATIC);
    } else if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&cell)) {
      sqlite3_bind_blob(statement, index, bytes->data(), static_cast<int>(bytes->size()),
                        SQLITE_STATIC);
    } else if (const auto* real = std::get_if<double>(&cell)) {
      sqlite3_bind_double(statement, index, *real);
    } else {
      sqlite3_bind_null(statement, index);
    }
  }

  sqlite3* const database_;
  std::vector<sqlite3_stmt*> statements_;
};

Result<RowCopy> RowCopy::read(const std::string& file, const std::vector<Table>& tables) {
  store::OpenOptions reading;
  reading.mode = store::OpenMode::read_only;
  auto connection = store::Connection::open(file, reading);
  if (!connection) return fail(connection);
  RowCopy copy;
  copy.options_.synchronous = store::Synchronous::full;
  auto schema = store::Statement::prepare(
      *connection,
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
      "ORDER BY rowid");
  if (!schema) return fail(schema);
  {
    auto found = schema->query();
    for (auto more = found.next(); more && *more; more = found.next()) {
      copy.schema_.append(found.row().text(0)).append(";\n");
    }
  }
  for (const Table& table : tables) {
    auto select = store::Statement::prepare(*connection, table.select);
    if (!select) return fail(select);
    Rows rows;
    std::int64_t count = 0;
    auto found = select->query();
    for (auto more = found.next(); more && *more; more = found.next()) {
      const store::Row row = found.row();
      rows.columns = static_cast<std::size_t>(row.column_count());
      ++count;
      for (int column = 0; column < row.column_count(); ++column) {
        switch (row.type(column)) {
          case store::ColumnType::integer:
            rows.cells.emplace_back(row.int64(column));
            break;
          case store::ColumnType::real:
            rows.cells.emplace_back(row.real(column));
            break;
          case store::ColumnType::text:
            rows.cells.emplace_back(std::string(row.text(column)));
            break;
          case store::ColumnType::blob: {
            const store::Blob bytes = row.blob(column);
            rows.cells.emplace_back(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
            break;
          }
          case store::ColumnType::null:
            rows.cells.emplace_back(nullptr);
            break;
        }
      }
    }
    if (count == 0 || (!copy.tables_.empty() && count != copy.operations_)) {
      return fail(ErrorCode::internal,
                  "expected as many rows of " + table.name + " as operations in " + file);
    }
    copy.operations_ = count;
    rows.insert = "INSERT INTO " + table.name + " VALUES(?";
    for (std::size_t column = 1; column < rows.columns; ++column) rows.insert += ", ?";
    rows.insert += ")";
    copy.tables_.push_back(std::move(rows));
  }
  return copy;
}

Result<RowCopy> RowCopy::of_client(const std::string& file) {
  auto copy = read(file, {{"records",
                           "SELECT r.* FROM operations o CROSS JOIN records r USING(record_key) "
                           "ORDER BY o.position"},
                          {"operations", "SELECT * FROM operations ORDER BY position"}});
  if (copy) copy->options_.trusted_schema = true;  // as the client opens it
  return copy;
}

Result<RowCopy> RowCopy::of_server(const std::string& file) {
  auto copy = read(file, {{"objects",
                           "SELECT r.* FROM operations o CROSS JOIN objects r USING(object_key) "
                           "ORDER BY o.position"},
                          {"operations", "SELECT * FROM operations ORDER BY position"}});
  if (copy) {
    copy->options_.wal_autocheckpoint_pages = kServerCheckpointPages;
    copy->counts_memory_ = false;
  }
  return copy;
}

Result<Sample> RowCopy::insert_into(const std::string& file, std::int64_t operations_per_commit,
                                    std::int64_t untimed) const {
  const MemoryCount memory(counts_memory_);
  auto connection = store::Connection::open(file, options_);
  if (!connection) return fail(connection);
  if (auto made = connection->execute(schema_); !made) return fail(made);
  Inserts inserts(connection->handle());
  if (auto prepared = inserts.prepare(tables_); !prepared) return fail(prepared);
  const auto insert_range = [&](std::int64_t from, std::int64_t to) -> Result<void> {
    for (std::int64_t first = from; first < to; first += operations_per_commit) {
      auto transaction = store::Transaction::begin(*connection);
      if (!transaction) return fail(transaction);
      const std::int64_t end = std::min(first + operations_per_commit, to);
      for (std::int64_t operation = first; operation < end; ++operation) {
        auto done = inserts.insert(tables_, static_cast<std::size_t>(operation));
        if (!done) return done;
      }
      if (auto committed = transaction->commit(); !committed) return committed;
    }
    return {};
  };
  if (auto done = insert_range(0, untimed); !done) return fail(done);
  return timed(operations_ - untimed, 0, [&] { return insert_range(untimed, operations_); });
}

}  // namespace tombolo::bench
