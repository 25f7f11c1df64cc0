// The library's own database against bare SQLite: writes, reads by id, an indexed query.
#include <fmt/format.h>

#include "base/uuid.h"
#include "local_database.h"
#include "row_copy.h"
#include "run.h"
#include "sample.h"
#include "scratch.h"
#include "store/connection.h"
#include "store/statement.h"
#include "timing.h"

#include "tombolo/tombolo.hpp"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kRecords = 100'000;
constexpr std::int64_t kPerTransaction = 1'000;

const RowTitle kWrite{.name = "local write, transactions of 1,000",
                      .bound = "bare SQLite, the same rows and commits",
                      .budget = 1.5};
const RowTitle kRead{
    .name = "local read by id", .bound = "bare prepared select of the same records", .budget = 1.5};
const RowTitle kQuery{.name = "local indexed query, 50 of 100,000 records",
                      .bound = "bare prepared select by the same index",
                      .budget = 1.5};

Result<void> measure_writes_of(Run& run, const Scratch& scratch) {
  const std::int64_t records = run.count(kRecords);
  std::optional<RowCopy> rows;
  const auto ours = [&]() -> Result<Sample> {
    const Scratch files = scratch.inner();
    const std::string file = files.file("local.db");
    Result<Sample> sample = fail(ErrorCode::internal, "not run");
    {
      auto database = Database::open(file);
      if (!database) return fail(database);
      std::vector<Object> objects = make_records(0, records);
      sample = timed(records, 0, [&] { return create_records(*database, std::move(objects)); });
    }
    if (!sample || rows) return sample;
    auto copy = RowCopy::of_client(file);
    if (!copy) return fail(copy);
    rows = std::move(*copy);
    return sample;
  };
  const auto bound = [&]() -> Result<Sample> {
    const Scratch files = scratch.inner();
    return rows->insert_into(files.file("bare.db"), kPerTransaction);
  };
  return run.compare(kWrite, bound, ours);
}

// A connection and a select, as somebody who needs no library would keep them.
struct BareSelect {
  static Result<BareSelect> make(const std::string& file, std::string_view sql) {
    store::OpenOptions options;
    options.mode = store::OpenMode::read_only;
    options.trusted_schema = true;  // the index calls json_extract()
    auto connection = store::Connection::open(file, options);
    if (!connection) return fail(connection);
    auto select = store::Statement::prepare(*connection, sql);
    if (!select) return fail(select);
    return BareSelect{std::move(*connection), std::move(*select)};
  }
  store::Connection connection;
  store::Statement select;
};

// Every record once, in an order that is not that of the table.
std::size_t place_of(std::int64_t index, std::size_t count) {
  constexpr std::size_t kStep = 7919;  // a prime that divides no count used here
  return static_cast<std::size_t>(index) * kStep % count;
}

Result<void> measure_reads(Run& run, Database& database, const std::vector<std::string>& ids) {
  const auto count = static_cast<std::int64_t>(ids.size());
  std::size_t bytes = 0;  // so that no side can leave its work out
  const Collection todos = database.collection("todos");
  const auto ours = [&] {
    return timed(count, 0, [&]() -> Result<void> {
      for (std::int64_t index = 0; index < count; ++index) {
        const auto record = todos.get(ids[place_of(index, ids.size())]);
        if (!record) return fail(record);
        bytes += record->to_json().size();
      }
      return {};
    });
  };
  auto bare = BareSelect::make(
      database.path(),
      "SELECT data FROM records WHERE collection_key = ?1 AND id = ?2 AND deleted = 0");
  if (!bare) return fail(bare);
  const auto bound = [&] {
    return timed(count, 0, [&]() -> Result<void> {
      for (std::int64_t index = 0; index < count; ++index) {
        const auto id = parse_canonical_uuid(ids[place_of(index, ids.size())]);
        const auto data = bare->select.query_one(
            [](const store::Row& row) { return std::string(row.text(0)); }, std::int64_t{1}, *id);
        if (!data || !*data) return fail(ErrorCode::internal, "a record is missing");
        bytes += (*data)->size();
      }
      return {};
    });
  };
  auto done = run.compare(kRead, bound, ours);
  return bytes == 0 && done && run.wants(kRead.name) ? fail(ErrorCode::internal, "nothing was read")
                                                     : done;
}

Result<void> measure_queries(Run& run, Database& database, std::int64_t records) {
  const std::int64_t owners = records / kRecordsPerOwner;
  const std::int64_t queries = run.count(4'000);
  const Collection todos = database.collection("todos");
  const auto ours = [&] {
    return timed(queries, 0, [&]() -> Result<void> {
      for (std::int64_t query = 0; query < queries; ++query) {
        const auto found = todos.where("owner", owner_name(query * 7919 % owners)).all();
        if (!found) return fail(found);
        if (found->size() != kRecordsPerOwner) return fail(ErrorCode::internal, "not 50 records");
      }
      return {};
    });
  };
  auto bare =
      BareSelect::make(database.path(),
                       "SELECT id, data FROM records WHERE collection_key = 1 AND deleted = 0 AND "
                       "json_extract(data, '$.\"owner\"') = ?1 ORDER BY record_key");
  if (!bare) return fail(bare);
  struct Found {
    std::string id;
    std::string data;
  };
  const auto bound = [&] {
    return timed(queries, 0, [&]() -> Result<void> {
      for (std::int64_t query = 0; query < queries; ++query) {
        const std::string owner = owner_name(query * 7919 % owners);
        std::vector<Found> found;
        auto rows = bare->select.query(owner);
        for (auto more = rows.next(); more && *more; more = rows.next()) {
          UuidBytes id{};
          const store::Blob bytes = rows.row().blob(0);
          std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), id.begin());
          found.push_back({uuid_text(id), std::string(rows.row().text(1))});
        }
        if (found.size() != kRecordsPerOwner) return fail(ErrorCode::internal, "not 50 rows");
      }
      return {};
    });
  };
  return run.compare(kQuery, bound, ours);
}

}  // namespace

Result<void> measure_local_database(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  if (run.wants(kWrite.name)) {
    if (auto done = measure_writes_of(run, *scratch); !done) return done;
  }
  if (!run.wants(kRead.name) && !run.wants(kQuery.name)) return {};
  auto database = Database::open(scratch->file("read.db"));
  if (!database) return fail(database);
  if (auto made = database->collection("todos").declare_index({"owner"}); !made) return made;
  const std::int64_t records = run.count(kRecords);
  std::vector<std::string> ids;
  if (auto made = create_records(*database, make_records(0, records), &ids); !made) return made;
  if (auto done = measure_reads(run, *database, ids); !done) return done;
  return measure_queries(run, *database, records);
}

}  // namespace tombolo::bench
