#include "client/write_session.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "client/operation_body.h"
#include "client/refold.h"

namespace tombolo::client {
namespace {

// Of what counts writes; far beyond what a device can reach.
constexpr std::int64_t kMaxCounter = std::int64_t{1} << 52;

bool is_between(std::int64_t least, std::int64_t value, std::int64_t most) {
  return least <= value && value <= most;
}

// Whether a stamp can be one of the file's own: there is room behind it for what is later.
bool can_be_followed(std::int64_t stamp) {
  constexpr std::int64_t kRoomMs = 1'000;
  return stamp >= 0 && core::unpack_stamp(stamp).wall_ms <= core::kMaxPackedWallMs - kRoomMs;
}

std::unexpected<Error> impossible_stamp(std::string_view record) {
  return fail(ErrorCode::corrupt,
              "the file gives record \"" + std::string(record) + "\" an impossible time");
}

constexpr std::size_t kMaxKeys = 1'000'000;  // of a collection's records, in a summary

CommitSummary::Changed& changed_in(std::vector<CommitSummary::Changed>& changes,
                                   const std::string& collection) {
  if (changes.empty() || changes.back().collection != collection) {
    const auto known = std::find_if(changes.begin(), changes.end(), [&](const auto& changed) {
      return changed.collection == collection;
    });
    if (known == changes.end()) {
      changes.push_back({collection, {}, {}});
    } else {
      std::rotate(known, known + 1, changes.end());
    }
  }
  return changes.back();
}

void add_id(CommitSummary::Changed& changed, std::string_view id) {
  if (changed.records.empty() || changed.records.back() != id) changed.records.emplace_back(id);
}

}  // namespace

core::Timestamp unpack_stamp(std::int64_t stamp, std::string node) {
  core::Timestamp timestamp = core::unpack_stamp(stamp);
  timestamp.node = std::move(node);
  return timestamp;
}

WriteSession::WriteSession(LocalStore& store, WriterLock& lock) : store_(store), lock_(lock) {}

Result<std::unique_ptr<WriteSession>> WriteSession::begin(LocalStore& store, WriterLock& lock,
                                                          CommitDetail detail,
                                                          Durability durability) {
  if (auto done = store.set_durability(durability); !done) {
    lock.unlock();
    return fail(done);
  }
  auto transaction = store::Transaction::begin(store.connection());
  if (!transaction) {
    lock.unlock();
    return fail(transaction);
  }
  std::unique_ptr<WriteSession> session(new WriteSession(store, lock));
  session->transaction_.emplace(std::move(*transaction));
  session->detail_ = detail;
  session->summary_.has_keys = detail.keys;
  if (auto loaded = session->load_state(); !loaded) return fail(loaded);
  return session;
}

WriteSession::~WriteSession() {
  rollback();
}

Result<void> WriteSession::load_state() {
  auto loaded = store_.statements()[Sql::read_state].query_one([this](const store::Row& row) {
    node_key_ = row.int64(0);
    const core::Timestamp stamp{row.int64(2), row.int64(3), {}};
    if (!is_between(0, stamp.wall_ms, core::kMaxPackedWallMs)) return false;
    if (!is_between(0, stamp.logical, core::kMaxLogical)) return false;
    for (int column = 4; column < 8; ++column) {
      if (!is_between(0, row.int64(column), kMaxCounter)) return false;
    }
    clock_ = core::HybridLogicalClock(std::string(row.text(1)));
    clock_.advance_to(stamp);
    sequence_number_ = row.int64(4);
    revision_ = row.int64(5) + 1;
    summary_.revision = revision_;
    catalog_version_ = row.int64(6);
    position_ = row.int64(7);
    return true;
  });
  if (!loaded) return fail(loaded);
  if (!*loaded) return fail(ErrorCode::corrupt, "the database has lost its state row");
  if (!**loaded) return fail(ErrorCode::corrupt, "the numbers of the state row are out of range");
  return catalog().refresh(catalog_version_);
}

void WriteSession::rollback() {
  if (!transaction_) return;
  transaction_->rollback();
  transaction_.reset();
  catalog().clear();
  lock_.unlock();
}

void WriteSession::poison(const Error& error) {
  if (!poison_) poison_ = error;
}

Result<void> WriteSession::commit(const std::function<void(CommitSummary&&)>& committed) {
  if (!transaction_) {
    return fail(ErrorCode::precondition_failed, "the transaction is over");
  }
  Result<void> done = poison_ ? std::unexpected(*poison_) : fold_records();
  if (done) done = flush();
  if (done) done = transaction_->commit();
  if (!done) {
    rollback();
    return done;
  }
  transaction_.reset();
  if (committed) committed(std::move(summary_));
  lock_.unlock();
  return {};
}

void WriteSession::fold_later(const CollectionEntry& collection, std::int64_t record_key,
                              std::string_view id) {
  unfolded_.try_emplace(record_key, Unfolded{collection.name, std::string(id)});
}

Result<void> WriteSession::fold_records() {
  for (const auto& [key, record] : unfolded_) {
    const Result<CollectionEntry*> collection = catalog().collection(record.collection);
    if (!collection) return fail(collection);
    const auto row = find_record(**collection, record.record);
    if (!row) return fail(row);
    if (!*row) continue;
    auto done = refold(*this, **collection, record.record, **row);
    if (!done) return done;
  }
  unfolded_.clear();
  return {};
}

Result<void> WriteSession::flush() {
  dirty_ = dirty_ || catalog().changed();
  if (!dirty_) return {};
  for (const Totals& totals : totals_) {
    auto stored = store_.statements()[Sql::read_collection_totals].query_one(
        [](const store::Row& row) { return core::Fingerprint::from_bytes(row.blob(0)); },
        totals.collection_key);
    if (!stored) return fail(stored);
    core::Fingerprint sum = stored->value_or(core::Fingerprint());
    sum.add(totals.added);
    const auto bytes = sum.bytes();
    auto done = store_.statements()[Sql::write_collection_totals].run(
        totals.collection_key, store::Blob(bytes), revision_);
    if (!done) return fail(done);
  }
  for (const auto& [node, number] : seen_) {
    if (auto done = store_.statements()[Sql::raise_seen].run(node, number); !done) return done;
  }
  if (catalog().changed()) {
    ++catalog_version_;
    catalog().set_version(catalog_version_);
  }
  return store_.statements()[Sql::write_state].run(clock_.last().wall_ms, clock_.last().logical,
                                                   sequence_number_, revision_, catalog_version_,
                                                   position_);
}

std::optional<std::string> WriteSession::transaction_id() {
  if (tied_ && !transaction_id_) transaction_id_ = store_.ids().next();
  return transaction_id_;
}

void WriteSession::learn_timestamp(const core::Timestamp& timestamp) {
  // The clock is past it already, as it mostly is.
  const core::Timestamp& last = clock_.last();
  if (timestamp.wall_ms < last.wall_ms ||
      (timestamp.wall_ms == last.wall_ms && timestamp.logical <= last.logical)) {
    return;
  }
  // A stamp too far in the future is not learned: it would carry every later stamp with it.
  (void)clock_.receive(timestamp, wall_ms());
}

Result<std::optional<RecordRow>> WriteSession::find_record(const CollectionEntry& collection,
                                                           std::string_view id) {
  const store::StoredId stored(id);
  auto found = store_.statements()[Sql::find_record].query_one(
      [](const store::Row& row) {
        RecordRow record;
        record.key = row.int64(0);
        record.data = row.text(1);
        record.deleted = row.int64(2) != 0;
        record.stamp = row.int64(3);
        record.node_key = row.int64(4);
        if (!row.is_null(5)) record.base = std::string(row.text(5));
        if (!row.is_null(6)) record.base_version = std::string(row.text(6));
        return record;
      },
      collection.key, stored);
  if (found && *found && !can_be_followed((*found)->stamp)) return impossible_stamp(id);
  return found;
}

Result<std::int64_t> WriteSession::insert_record(CollectionEntry& collection, std::string_view id,
                                                 const NewVersion& version) {
  const store::StoredId stored(id);
  auto done = store_.statements()[Sql::insert_record].run(collection.key, stored, version.data,
                                                          version.deleted ? 1 : 0, version.stamp,
                                                          version.node_key, revision_);
  if (!done) return fail(done);
  if (store_.connection().changes() == 0) return 0;
  const std::int64_t key = store_.connection().last_insert_rowid();
  touch(collection, key, id);
  return key;
}

Result<void> WriteSession::update_record(CollectionEntry& collection, std::string_view id,
                                         const RecordRow& row, const NewVersion& version) {
  const Sql sql = row.is_base() ? Sql::update_record_keeping_base : Sql::update_record;
  touch(collection, row.key, id);
  return store_.statements()[sql].run(row.key, version.data, version.deleted ? 1 : 0, version.stamp,
                                      version.node_key, revision_);
}

Result<void> WriteSession::append_operation(CollectionEntry& collection, std::int64_t record_key,
                                            const core::Operation& operation, store::Blob id,
                                            std::string_view data_json, std::int64_t pending) {
  const Result<std::int64_t> author = operation.node == node() ? Result<std::int64_t>(node_key_)
                                                               : catalog().node_key(operation.node);
  if (!author) return fail(author);
  texts_.body.clear();
  append_operation_body(texts_.body, operation, data_json);
  const std::int64_t stamp = core::packed_stamp(operation.timestamp);
  auto done = store_.statements()[Sql::insert_operation].run(
      ++position_, id, record_key, stamp, *author, operation.sequence_number, texts_.body, pending);
  if (!done) return done;
  ++operation_count_;
  fingerprint_of(collection).add(id);
  std::int64_t& seen = seen_[*author];
  seen = std::max(seen, operation.sequence_number);
  summary_.pending_added = summary_.pending_added || pending != 0;
  return {};
}

std::int64_t WriteSession::take_position() {
  dirty_ = true;
  return ++position_;
}

core::Fingerprint& WriteSession::fingerprint_of(const CollectionEntry& collection) {
  dirty_ = true;
  for (Totals& totals : totals_) {
    if (totals.collection_key == collection.key) return totals.added;
  }
  return totals_.emplace_back(Totals{collection.key, {}}).added;
}

void WriteSession::touch(CollectionEntry& collection, std::int64_t record_key,
                         std::string_view id) {
  (void)fingerprint_of(collection);
  CommitSummary::Changed& changed = changed_in(summary_.changed, collection.name);
  if (detail_.ids) add_id(changed, id);
  if (!summary_.has_keys || (!changed.keys.empty() && changed.keys.back() == record_key)) return;
  changed.keys.push_back(record_key);
  if (changed.keys.size() <= kMaxKeys) return;
  summary_.has_keys = false;
  for (auto& one : summary_.changed) one.keys = {};
}

void WriteSession::subtract_fingerprint(CollectionEntry& collection, store::Blob id) {
  fingerprint_of(collection).subtract(id);
}

void WriteSession::note_conflict(const CollectionEntry& collection, std::string_view id) {
  add_id(changed_in(summary_.conflicts, collection.name), id);
}

void WriteSession::note_rejected(const CollectionEntry& collection, std::string_view id) {
  add_id(changed_in(summary_.rejected, collection.name), id);
}

Result<std::vector<core::Operation>> WriteSession::operations_of(const CollectionEntry& collection,
                                                                 std::int64_t record_key,
                                                                 std::string_view record) {
  std::vector<core::Operation> operations;
  store::Rows rows = store_.statements()[Sql::operations_of_record].query(record_key);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return operations;
    const store::Row row = rows.row();
    core::Operation& operation = operations.emplace_back();
    operation.id = to_hex(row.blob(0));
    operation.node = row.text(2);
    if (!can_be_followed(row.int64(1))) return impossible_stamp(record);
    operation.timestamp = unpack_stamp(row.int64(1), operation.node);
    operation.sequence_number = row.int64(3);
    operation.collection = collection.name;
    operation.record = record;
    if (auto read = read_operation_body(row.text(4), operation); !read) return fail(read);
  }
}

Result<core::RecordState> WriteSession::state_of(const RecordRow& row) {
  Result<Value> data = parse_json(row.data);
  if (!data) return fail(data);
  Result<std::string> author = catalog().node_of(row.node_key);
  if (!author) return fail(author);
  core::RecordState state;
  if (Object* fields = data->if_object()) state.fields = std::move(*fields);
  state.exists = true;
  state.deleted = row.deleted;
  state.version = unpack_stamp(row.stamp, std::move(*author));
  return state;
}

}  // namespace tombolo::client
