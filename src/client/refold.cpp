#include "client/refold.h"

#include <charconv>

#include "base/json.h"

namespace tombolo::client {
namespace {

constexpr std::string_view kForgetLosses =
    "DELETE FROM losses WHERE record_key = ?1 AND resolved = 0";

constexpr std::string_view kAddLoss =
    "INSERT INTO losses(record_key, field, losing_operation, losing_value, winning_operation, "
    "winning_value, rule, noticed_ms, resolved) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM losses WHERE record_key = ?1 AND field = ?2 AND "
    "losing_operation = ?3 AND losing_value IS ?4 AND winning_operation = ?5 AND "
    "winning_value IS ?6)";

std::optional<std::string> text_of(const std::optional<Value>& value) {
  if (!value) return std::nullopt;
  return value->to_json();
}

// The tag of a request/response remote is the time of its last change, in ms.
core::Timestamp version_of(std::string_view tag, std::string node) {
  core::Timestamp version{0, 0, std::move(node)};
  std::from_chars(tag.data(), tag.data() + tag.size(), version.wall_ms);
  return version;
}

// Nothing is left that the record would follow from.
Result<void> forget_record(WriteSession& session, CollectionEntry& collection, std::string_view id,
                           std::int64_t key) {
  session.touch(collection, id);
  for (const char* sql :
       {"DELETE FROM losses WHERE record_key = ?1", "DELETE FROM pushes WHERE record_key = ?1",
        "DELETE FROM records WHERE record_key = ?1"}) {
    auto statement = session.store().cache().get(sql);
    if (!statement) return fail(statement);
    if (auto done = (*statement)->run(key); !done) return done;
  }
  return {};
}

}  // namespace

Result<std::string> remote_node(WriteSession& session, const CollectionEntry& collection) {
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  for (const RemoteEntry& remote : **remotes) {
    if (remote.key == collection.remote_key) return remote.name;
  }
  return std::string();
}

Result<core::RecordState> base_of(WriteSession& session, const CollectionEntry& collection,
                                  const RecordRow& row) {
  core::RecordState base;
  if (!row.base_version) return base;
  std::string_view text = row.base ? std::string_view(*row.base) : std::string_view(row.data);
  base.exists = true;
  base.deleted = row.base ? text.starts_with('-') : row.deleted;
  if (row.base && base.deleted) text.remove_prefix(1);
  Result<Value> fields = parse_json(text);
  if (!fields) return fail(fields);
  if (Object* object = fields->if_object()) base.fields = std::move(*object);
  Result<std::string> node = remote_node(session, collection);
  if (!node) return fail(node);
  base.version = version_of(*row.base_version, std::move(*node));
  return base;
}

std::string base_text(const core::RecordState& base) {
  std::string text = base.deleted ? "-" : "";
  append_json(text, base.fields);
  return text;
}

Result<void> record_loss(WriteSession& session, const CollectionEntry& collection,
                         std::string_view id, std::int64_t record_key, const core::Loss& loss) {
  auto add = session.store().cache().get(kAddLoss);
  if (!add) return fail(add);
  const std::optional<std::string> losing = text_of(loss.losing_value);
  const std::optional<std::string> winning = text_of(loss.winning_value);
  auto done = (*add)->run(record_key, loss.field, loss.losing_operation, losing,
                          loss.winning_operation, winning, loss.rule, session.wall_ms());
  if (!done) return done;
  if (session.store().connection().changes() > 0) session.note_conflict(collection, id);
  return {};
}

Result<void> refold(WriteSession& session, CollectionEntry& collection, std::string_view id,
                    const RecordRow& row) {
  const Result<core::RecordState> base = base_of(session, collection, row);
  if (!base) return fail(base);
  const auto operations = session.operations_of(collection, row.key, id);
  if (!operations) return fail(operations);
  const core::FoldResult folded = core::fold(*collection.schema, *base, *operations);
  if (!folded.state.exists) return forget_record(session, collection, id, row.key);
  const Result<std::int64_t> node = session.catalog().node_key(folded.state.version.node);
  if (!node) return fail(node);
  std::string data;
  append_json(data, folded.state.fields);
  auto done = session.update_record(collection, id, row,
                                    {.data = data,
                                     .deleted = folded.state.deleted,
                                     .stamp = core::packed_stamp(folded.state.version),
                                     .node_key = *node});
  if (!done) return done;
  if (!row.base_version) {
    auto forget = session.store().cache().get(kForgetLosses);
    if (!forget) return fail(forget);
    if (auto forgotten = (*forget)->run(row.key); !forgotten) return forgotten;
  }
  for (const core::Loss& loss : folded.losses) {
    auto kept = record_loss(session, collection, id, row.key, loss);
    if (!kept) return kept;
  }
  return {};
}

}  // namespace tombolo::client
