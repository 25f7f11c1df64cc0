// The database file of a client: its writer connection and what is prepared on it.
//
// One LocalStore per Database; used under the write lock, by WriteSession.
#pragma once

#include <memory>
#include <string>

#include "base/uuid.h"
#include "client/catalog.h"
#include "client/environment.h"
#include "client/local_statements.h"
#include "store/connection.h"
#include "store/statement_cache.h"

#include "tombolo/database.h"
#include "tombolo/result.h"

namespace tombolo::client {

// How every connection to a database file is set up.
store::OpenOptions connection_options(const OpenOptions& options, const Environment& environment,
                                      bool for_reading);

class LocalStore {
 public:
  // Opens or makes the file, brings its schema up to date and, in a new one, draws the node id.
  static Result<std::unique_ptr<LocalStore>> open(const std::string& path,
                                                  const OpenOptions& options,
                                                  const Environment& environment);

  // How much the transactions that begin from now on survive, up to what the database was opened
  // with. Not within a transaction.
  Result<void> set_durability(Durability durability);

  // Makes all that is committed survive a power loss, however this database was opened, or that of
  // another process which committed it. Not within a transaction.
  Result<void> secure();

  store::Connection& connection() { return connection_; }
  LocalStatements& statements() { return *statements_; }
  store::StatementCache& cache() { return *cache_; }
  Catalog& catalog() { return *catalog_; }
  UuidGenerator& ids() { return ids_; }
  const Environment& environment() const { return environment_; }

 private:
  LocalStore(store::Connection connection, const Environment& environment, Durability durability);
  Result<void> prepare();
  Result<void> sync();
  Result<void> ensure_state();

  store::Connection connection_;
  Environment environment_;
  const Durability opened_with_;
  Durability durability_;
  std::int64_t secured_version_ = -1;  // Connection::data_version(), when all was secured last
  UuidGenerator ids_;
  std::unique_ptr<LocalStatements> statements_;
  std::unique_ptr<store::StatementCache> cache_;
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace tombolo::client
