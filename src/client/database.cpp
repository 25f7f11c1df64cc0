#include "tombolo/database.h"

#include "base/text.h"
#include "client/engine.h"
#include "client/ledger_access.h"
#include "client/log_access.h"
#include "client/open_database.h"
#include "client/query_runner.h"
#include "client/remotes.h"

namespace tombolo {

namespace {

// Runs `work(const ReadConnection&)` on a pooled connection.
template <typename Work>
auto read(client::Engine& engine, Work&& work)
    -> std::invoke_result_t<Work, const client::ReadConnection&> {
  auto reader = engine.reader();
  if (!reader) return fail(reader);
  return work((*reader)->access());
}

}  // namespace

Database::Database(std::shared_ptr<client::Engine> engine) : engine_(std::move(engine)) {}
Database::Database(Database&&) noexcept = default;

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    close();
    engine_ = std::move(other.engine_);
  }
  return *this;
}

Database::~Database() {
  close();
}

Result<Database> Database::open(const std::string& path, const OpenOptions& options) {
  return client::open_database(path, options, client::Environment::system());
}

Result<Database> client::open_database(const std::string& path, const OpenOptions& options,
                                       const Environment& environment) {
  auto engine = Engine::open(path, options, environment);
  if (!engine) return fail(engine);
  return Database(std::move(*engine));
}

void Database::close() {
  if (engine_) engine_->close();
}

const std::string& Database::path() const {
  return engine_->path();
}

Collection Database::collection(std::string_view name) const {
  return Collection(engine_, {}, false, std::string(name));
}

Result<std::vector<CollectionInfo>> Database::collections() const {
  return read(*engine_, client::read_collections);
}

Result<Transaction> Database::begin() const {
  auto session = engine_->begin();
  if (!session) return fail(session);
  (*session)->tie_together();
  return Transaction(engine_, std::shared_ptr<client::WriteSession>(std::move(*session)));
}

Result<void> Database::transaction(const std::function<Result<void>(Transaction&)>& work) const {
  Result<Transaction> transaction = begin();
  if (!transaction) return fail(transaction);
  if (auto done = work(*transaction); !done) return done;
  return transaction->commit();
}

Result<DatabaseStatus> Database::status() const {
  Result<DatabaseStatus> status = read(*engine_, client::read_status);
  if (!status) return status;
  for (const auto& connector : engine_->remotes().connected()) {
    Result<RemoteStatus> now = client::status_of(*engine_, *connector);
    if (!now) return fail(now);
    for (RemoteStatus& remote : status->remotes) {
      if (remote.name == now->name) remote = *now;
    }
  }
  return status;
}

Result<Remote> Database::connect(const RemoteOptions& options) const {
  auto connector = engine_->remotes().connect(options);
  if (!connector) return fail(connector);
  return Remote(engine_, std::move(*connector));
}

std::vector<Remote> Database::remotes() const {
  std::vector<Remote> remotes;
  for (auto& connector : engine_->remotes().connected()) {
    remotes.push_back(Remote(engine_, connector));
  }
  return remotes;
}

Result<void> Database::forget_remote(std::string_view name) const {
  return engine_->remotes().forget(name);
}

Subscription Database::subscribe(std::function<void(const Event&)> callback) const {
  return Subscription(engine_->notifier().subscribe(std::move(callback)));
}

Result<std::vector<Loss>> Database::losses() const {
  return read(*engine_, client::read_losses);
}

Result<void> Database::restore_loss(std::int64_t id) const {
  return engine_->write(
      [&](client::WriteSession& session) { return client::restore_loss(session, id); });
}

Result<void> Database::dismiss_loss(std::int64_t id) const {
  return engine_->write(
      [&](client::WriteSession& session) { return client::dismiss_loss(session, id); });
}

Result<std::vector<DeadLetter>> Database::dead_letters() const {
  return read(*engine_, client::read_dead_letters);
}

Result<void> Database::retry_dead_letter(std::int64_t id) const {
  return engine_->write(
      [&](client::WriteSession& session) { return client::retry_dead_letter(session, id); });
}

Result<void> Database::discard_dead_letter(std::int64_t id) const {
  return engine_->write(
      [&](client::WriteSession& session) { return client::discard_dead_letter(session, id); });
}

Result<std::vector<OperationInfo>> Database::operations(std::int64_t limit,
                                                        std::string_view collection,
                                                        std::string_view record) const {
  return read(*engine_, [&](const client::ReadConnection& connection) {
    return client::read_operations(connection, limit, collection, record);
  });
}

}  // namespace tombolo
