// The writer's transaction: the log of a bucket, its authors and the former lives in it.
#include <utility>

#include "base/check.h"
#include "base/hmac.h"
#include "base/text.h"
#include "server/identity/identity.h"
#include "server/storage/sqlite_schema.h"
#include "server/storage/sqlite_write.h"

namespace tombolo::server {

namespace {

constexpr std::size_t kMaxRememberedAuthors = 10'000;  // of one bucket
constexpr std::size_t kSealDigits = 32;

store::Blob blob_of(std::string_view bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::string id_bytes(const core::Operation& operation) {
  std::optional<std::string> id = from_hex(operation.id);
  TOMBOLO_CHECK(id && id->size() == 32, "operation ids are checked at the doors");
  return std::move(*id);
}

// Whether what came from `principal` speaks for a node of `author`'s. A node that only anonymous
// clients used belongs to the first user who does.
bool speaks_for(const Author& author, std::string_view principal) {
  const std::string& owner = author.principal;
  return !principal.empty() &&
         (owner.empty() || owner == kEveryone || owner == kStreamUsers || owner == principal);
}

}  // namespace

Result<void> SqliteWrite::flush_log(LogState& state) {
  Result<store::Statement*> update = tables_.statement(
      "UPDATE bucket_logs SET delivery_sequence = ?2, fingerprint = ?3, own_sequence_number = ?4 "
      "WHERE bucket_key = ?1");
  if (!update) return fail(update);
  const auto sum = state.log.fingerprint.bytes();
  Result<void> done = (*update)->run(state.key, state.log.delivery_sequence, store::Blob(sum),
                                     state.own_sequence_number);
  if (!done) return done;
  Result<store::Statement*> upsert = tables_.statement(
      "INSERT OR REPLACE INTO version_vectors(bucket_key, node_key, sequence_number, principal) "
      "VALUES (?1, ?2, ?3, ?4)");
  if (!upsert) return fail(upsert);
  for (const std::int64_t node : state.dirty_authors) {
    AuthorState& author = state.authors.at(node);
    done =
        (*upsert)->run(state.key, node, author.author->sequence_number, author.author->principal);
    if (!done) return done;
    author.dirty = false;
  }
  state.dirty_authors.clear();
  if (done = flush_timeline(state); !done) return done;
  if (state.authors.size() > kMaxRememberedAuthors) state.authors.clear();
  state.dirty = false;
  return {};
}

// Once in each life of the server and bucket.
Result<void> SqliteWrite::flush_timeline(LogState& state) {
  const std::int64_t first = std::exchange(state.flushed_sequence, state.log.delivery_sequence) + 1;
  if (state.log.delivery_sequence < first) return {};
  std::string own = own_timeline();
  if (state.timeline == own) return {};
  Result<store::Statement*> insert = tables_.statement(
      "INSERT INTO log_timelines(bucket_key, first_sequence, timeline) VALUES (?1, ?2, ?3)");
  if (!insert) return fail(insert);
  if (Result<void> done = (*insert)->run(state.key, first, own); !done) return done;
  state.timeline = std::move(own);
  return {};
}

Result<SqliteWrite::LogState*> SqliteWrite::log_state(std::string_view bucket) {
  if (const auto known = logs_.find(bucket); known != logs_.end()) return &known->second;
  const Result<std::optional<std::int64_t>> key = tables_.bucket_key(bucket);
  if (!key) return fail(key);
  LogState state;
  state.key = key->value_or(0);
  Result<void> done = *key ? load_log(state, bucket) : make_log(state, bucket);
  if (!done) return fail(done);
  return &logs_.emplace(std::string(bucket), std::move(state)).first->second;
}

Result<void> SqliteWrite::load_log(LogState& state, std::string_view bucket) {
  const Result<BucketLog> log = tables_.bucket_log(bucket);
  if (!log) return fail(log);
  state.log = *log;
  state.flushed_sequence = log->delivery_sequence;
  Result<std::string> timeline = tables_.timeline(bucket);
  if (!timeline) return fail(timeline);
  state.timeline = std::move(*timeline);
  Result<store::Statement*> select = tables_.statement(
      "SELECT own_sequence_number, "
      "(SELECT count(*) FROM version_vectors WHERE bucket_key = ?1) "
      "FROM bucket_logs WHERE bucket_key = ?1");
  if (!select) return fail(select);
  const auto read = (*select)->query_one(
      [&](const store::Row& row) {
        state.own_sequence_number = row.int64(0);
        state.author_count = row.int64(1);
        return true;
      },
      state.key);
  return read ? Result<void>() : fail(read);
}

Result<void> SqliteWrite::make_log(LogState& state, std::string_view bucket) {
  Result<store::Statement*> insert = tables_.statement(
      "INSERT INTO bucket_logs(bucket, delivery_sequence, fingerprint) VALUES (?1, 0, ?2)");
  if (!insert) return fail(insert);
  const auto sum = state.log.fingerprint.bytes();
  if (Result<void> done = (*insert)->run(bucket, store::Blob(sum)); !done) return done;
  ++write_count_;
  state.key = tables_.connection().last_insert_rowid();
  if (state.key > kMaxBucketKey) {
    return fail(ErrorCode::limit_exceeded, "the database has all the buckets that it can hold");
  }
  return {};
}

Result<BucketLog> SqliteWrite::bucket_log(std::string_view bucket) {
  if (const auto known = logs_.find(bucket); known != logs_.end()) return known->second.log;
  return tables_.bucket_log(bucket);
}

Result<std::optional<std::int64_t>> SqliteWrite::known_node_key(std::string_view node) {
  if (const auto known = node_keys_.find(node); known != node_keys_.end()) return known->second;
  Result<store::Statement*> select =
      tables_.statement("SELECT node_key FROM nodes WHERE node = ?1");
  if (!select) return fail(select);
  auto key = (*select)->query_one([](const store::Row& row) { return row.int64(0); }, node);
  if (key && *key) node_keys_.emplace(std::string(node), **key);
  return key;
}

Result<std::int64_t> SqliteWrite::node_key(std::string_view node) {
  if (const auto known = node_keys_.find(node); known != node_keys_.end()) return known->second;
  const Result<std::int64_t> key = dictionary_key("SELECT node_key FROM nodes WHERE node = ?1",
                                                  "INSERT INTO nodes(node) VALUES (?1)", node);
  if (!key) return key;
  return node_keys_.emplace(std::string(node), *key).first->second;
}

Result<SqliteWrite::AuthorState*> SqliteWrite::author_state(LogState& state,
                                                            std::int64_t node_key) {
  const auto known = state.authors.find(node_key);
  if (known != state.authors.end()) return &known->second;
  Result<store::Statement*> select = tables_.statement(
      "SELECT sequence_number, principal FROM version_vectors "
      "WHERE bucket_key = ?1 AND node_key = ?2");
  if (!select) return fail(select);
  auto author = (*select)->query_one(
      [](const store::Row& row) { return Author{row.int64(0), std::string(row.text(1))}; },
      state.key, node_key);
  if (!author) return fail(author);
  return &state.authors.emplace(node_key, AuthorState{std::move(*author), false}).first->second;
}

Result<std::optional<Author>> SqliteWrite::author(std::string_view bucket, std::string_view node) {
  const Result<LogState*> state = log_state(bucket);
  if (!state) return fail(state);
  const Result<std::optional<std::int64_t>> key = known_node_key(node);
  if (!key) return fail(key);
  if (!*key) return std::nullopt;
  const Result<AuthorState*> author = author_state(**state, **key);
  if (!author) return fail(author);
  return (*author)->author;
}

Result<std::int64_t> SqliteWrite::author_count(std::string_view bucket) {
  const Result<LogState*> state = log_state(bucket);
  if (!state) return fail(state);
  return (*state)->author_count;
}

Result<void> SqliteWrite::note_author(LogState& state, std::int64_t node_key,
                                      const NewLogEntry& entry) {
  const bool own = entry.operation.node == clock_.last().node;
  const std::int64_t number = entry.operation.sequence_number;
  if (own && number > state.own_sequence_number) state.own_sequence_number = number;
  const Result<AuthorState*> found = author_state(state, node_key);
  if (!found) return fail(found);
  AuthorState& known = **found;
  bool changed = !known.author;
  if (changed) {
    known.author.emplace();
    ++state.author_count;
  }
  Author& author = *known.author;
  if (own || speaks_for(author, entry.author_principal)) {
    if (author.principal != entry.author_principal) {
      author = Author{0, std::string(entry.author_principal)};
      changed = true;
    }
    if (number > author.sequence_number) {
      author.sequence_number = number;
      changed = true;
    }
  }
  if (changed && !std::exchange(known.dirty, true)) state.dirty_authors.push_back(node_key);
  return {};
}

Result<bool> SqliteWrite::has_operation(ObjectKey record, const core::Operation& operation) {
  Result<store::Statement*> select = tables_.statement(
      "SELECT 1 FROM operations WHERE object_key = ?1 AND stamp = ?2 AND operation_id = ?3");
  if (!select) return fail(select);
  const std::string id = id_bytes(operation);
  const auto found = (*select)->query_one([](const store::Row&) { return true; }, record,
                                          core::packed_stamp(operation.timestamp), blob_of(id));
  if (!found) return fail(found);
  return found->has_value();
}

Result<std::int64_t> SqliteWrite::append_operation(std::string_view bucket,
                                                   const NewLogEntry& entry) {
  const core::Operation& operation = entry.operation;
  const std::string id = id_bytes(operation);
  Result<LogState*> state = log_state(bucket);
  if (!state) return fail(state);
  Result<std::int64_t> node = node_key(operation.node);
  if (!node) return fail(node);
  Result<store::Statement*> insert = tables_.statement(
      "INSERT INTO operations(position, object_key, stamp, operation_id, node_key, "
      "sequence_number, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  if (!insert) return fail(insert);
  LogState& log = **state;
  const std::int64_t sequence = log.log.delivery_sequence + 1;
  Result<void> done = (*insert)->run((log.key << kSequenceBits) + sequence, entry.record,
                                     core::packed_stamp(operation.timestamp), blob_of(id), *node,
                                     operation.sequence_number, entry.body);
  if (!done) return fail(done);
  ++write_count_;
  log.log.delivery_sequence = sequence;
  log.log.fingerprint.add(blob_of(id));
  done = note_author(log, *node, entry);
  if (!done) return fail(done);
  if (!std::exchange(log.dirty, true)) dirty_logs_.push_back(&log);
  return sequence;
}

Result<std::int64_t> SqliteWrite::next_sequence_number(std::string_view bucket) {
  const Result<LogState*> state = log_state(bucket);
  if (!state) return fail(state);
  return (*state)->own_sequence_number + 1;
}

std::string SqliteWrite::seal(std::string_view bucket, const core::Operation& operation) const {
  std::string message = "operation of bucket ";
  message.append(bucket).append("\n").append(operation.id).append("\n");
  message.append(std::to_string(operation.sequence_number));
  return "seal:" + to_hex(hmac_sha256(secret_, message)).substr(0, kSealDigits);
}

Result<void> SqliteWrite::end_life(std::string_view bucket, ObjectKey object,
                                   PermissionsKey permissions) {
  const Result<LogState*> state = log_state(bucket);
  if (!state) return fail(state);
  const BucketLog& log = (*state)->log;
  Result<store::Statement*> select = tables_.statement(
      "SELECT last_sequence, permissions_key FROM former_lives WHERE object_key = ?1 "
      "ORDER BY last_sequence DESC LIMIT 1");
  if (!select) return fail(select);
  const auto last = (*select)->query_one(
      [](const store::Row& row) { return FormerLife{row.int64(0), row.int64(1), {}}; }, object);
  if (!last) return fail(last);
  const FormerLife before = last->value_or(FormerLife{});
  if (before.last_sequence == log.delivery_sequence) return {};  // nothing came since
  const auto sum = log.fingerprint.bytes();
  ++write_count_;
  if (*last && before.permissions == permissions) {  // two lives with the same readers are one
    Result<store::Statement*> update = tables_.statement(
        "UPDATE former_lives SET last_sequence = ?3, fingerprint = ?4 "
        "WHERE object_key = ?1 AND last_sequence = ?2");
    if (!update) return fail(update);
    return (*update)->run(object, before.last_sequence, log.delivery_sequence, store::Blob(sum));
  }
  Result<store::Statement*> insert = tables_.statement(
      "INSERT INTO former_lives(object_key, last_sequence, permissions_key, fingerprint) "
      "VALUES (?1, ?2, ?3, ?4)");
  if (!insert) return fail(insert);
  return (*insert)->run(object, log.delivery_sequence, permissions, store::Blob(sum));
}

}  // namespace tombolo::server
