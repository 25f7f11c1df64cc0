#include "client/local_store.h"

#include <string>

#include "client/local_schema.h"
#include "os/files.h"
#include "store/id.h"
#include "store/transaction.h"

namespace tombolo::client {

store::OpenOptions connection_options(const OpenOptions& options, const Environment& environment,
                                      bool for_reading) {
  store::OpenOptions result;
  result.vfs = environment.vfs;
  result.mode = for_reading      ? store::OpenMode::read_only
                : options.create ? store::OpenMode::create
                                 : store::OpenMode::read_write;
  result.synchronous = options.durability == Durability::full ? store::Synchronous::full
                                                              : store::Synchronous::normal;
  result.trusted_schema = true;  // declared indexes call json_extract()
  result.busy_timeout_ms = static_cast<int>(options.busy_timeout_ms);
  return result;
}

namespace {

// See Connection::rewrite_log(). Whoever writes now opened the database before us and did this.
Result<void> rewrite_log_unless_busy(store::Connection& connection, std::int64_t busy_timeout_ms) {
  if (auto done = connection.execute("PRAGMA busy_timeout=0"); !done) return done;
  auto rewritten = connection.rewrite_log();
  auto done = connection.execute("PRAGMA busy_timeout=" + std::to_string(busy_timeout_ms));
  if (!rewritten && rewritten.error().code != ErrorCode::busy) return rewritten;
  return done;
}

}  // namespace

LocalStore::LocalStore(store::Connection connection, const Environment& environment,
                       Durability durability)
    : connection_(std::move(connection)),
      environment_(environment),
      opened_with_(durability),
      durability_(durability),
      ids_(*environment.clock, *environment.random) {}

Result<std::unique_ptr<LocalStore>> LocalStore::open(const std::string& path,
                                                     const OpenOptions& options,
                                                     const Environment& environment) {
  if (!options.create && !os::path_exists(path)) {
    return fail(ErrorCode::not_found, "there is no database " + path);
  }
  auto connection = store::Connection::open(path, connection_options(options, environment, false));
  if (!connection) return fail(connection);
  if (auto done = rewrite_log_unless_busy(*connection, options.busy_timeout_ms); !done) {
    return fail(done);
  }
  if (auto done = store::define_id_functions(*connection); !done) return fail(done);
  if (auto done = store::migrate(*connection, local_schema()); !done) return fail(done);
  std::unique_ptr<LocalStore> local(
      new LocalStore(std::move(*connection), environment, options.durability));
  if (auto done = local->prepare(); !done) return fail(done);
  return local;
}

Result<void> LocalStore::set_durability(Durability durability) {
  if (opened_with_ == Durability::relaxed || durability == durability_) return {};
  auto done = connection_.execute(durability == Durability::full ? "PRAGMA synchronous=FULL"
                                                                 : "PRAGMA synchronous=NORMAL");
  if (done) durability_ = durability;
  return done;
}

// What was committed here is on the disk already, unless it was to be relaxed.
Result<void> LocalStore::secure() {
  const Result<std::int64_t> version = connection_.data_version();
  if (!version) return fail(version);
  if (opened_with_ == Durability::full && *version == secured_version_) return {};
  auto done = sync();
  if (done) secured_version_ = *version;
  return done;
}

// A commit that waits for the disk waits for all that the log holds before it. It must change
// something, or SQLite writes nothing; a clock may always be ahead by a little.
Result<void> LocalStore::sync() {
  if (auto done = connection_.execute("PRAGMA synchronous=FULL"); !done) return done;
  auto synced = connection_.execute("UPDATE state SET wall_ms = wall_ms + 1");
  if (durability_ == Durability::full) return synced;
  auto restored = connection_.execute("PRAGMA synchronous=NORMAL");
  return synced ? restored : synced;
}

Result<void> LocalStore::prepare() {
  auto statements = LocalStatements::prepare(connection_);
  if (!statements) return fail(statements);
  statements_ = std::make_unique<LocalStatements>(std::move(*statements));
  cache_ = std::make_unique<store::StatementCache>(connection_);
  catalog_ = std::make_unique<Catalog>(connection_, *statements_);
  return ensure_state();
}

Result<void> LocalStore::ensure_state() {
  auto transaction = store::Transaction::begin(connection_);
  if (!transaction) return fail(transaction);
  auto state = (*statements_)[Sql::read_state].query_one([](const store::Row&) { return true; });
  if (!state) return fail(state);
  if (*state) return {};
  const Result<std::int64_t> node = catalog_->node_key(ids_.next());
  if (!node) return fail(node);
  auto insert =
      store::Statement::prepare(connection_, "INSERT INTO state VALUES (1, ?1, 0, 0, 0, 0, 0, 0)");
  if (!insert) return fail(insert);
  if (auto done = insert->run(*node); !done) return fail(done);
  return transaction->commit();
}

}  // namespace tombolo::client
