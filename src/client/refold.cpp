#include "client/refold.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/json.h"

namespace tombolo::client {
namespace {

constexpr std::string_view kReadLosses =
    "SELECT loss_key, resolved, field, losing_operation, losing_value, winning_operation, "
    "winning_value FROM losses WHERE record_key = ?1";

constexpr std::string_view kForgetLoss = "DELETE FROM losses WHERE loss_key = ?1";

constexpr std::string_view kAddLoss =
    "INSERT INTO losses(record_key, field, losing_operation, losing_value, winning_operation, "
    "winning_value, rule, noticed_ms, resolved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)";

std::optional<std::string> text_of(const std::optional<Value>& value) {
  if (!value) return std::nullopt;
  return value->to_json();
}

// The tag of a request/response remote is the time of its last change, in ms.
core::Timestamp version_of(std::string_view tag, std::string node) {
  core::Timestamp version{0, 0, std::move(node)};
  std::from_chars(tag.data(), tag.data() + tag.size(), version.wall_ms);
  version.wall_ms = std::clamp<std::int64_t>(version.wall_ms, 0, core::kMaxKeptWallMs);
  return version;
}

// What tells one loss of a record from the others.
std::string identity(std::initializer_list<std::optional<std::string_view>> parts) {
  std::string text;
  for (const std::optional<std::string_view>& part : parts) {
    text += part ? std::to_string(part->size()) + ":" : "-";
    text += part.value_or("");
  }
  return text;
}

struct KeptLoss {
  std::int64_t key = 0;
  bool resolved = false;
  bool is_current = false;  // this fold has it too
};
using KeptLosses = std::unordered_map<std::string, KeptLoss>;

Result<KeptLosses> read_losses(WriteSession& session, std::int64_t record_key) {
  auto read = session.store().cache().get(kReadLosses);
  if (!read) return fail(read);
  const auto text = [](const store::Row& row, int column) -> std::optional<std::string_view> {
    if (row.is_null(column)) return std::nullopt;
    return row.text(column);
  };
  KeptLosses losses;
  store::Rows rows = (*read)->query(record_key);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return losses;
    const store::Row row = rows.row();
    losses.emplace(identity({text(row, 2), text(row, 3), text(row, 4), text(row, 5), text(row, 6)}),
                   KeptLoss{row.int64(0), row.int64(1) != 0, false});
  }
}

// Those that are known keep their number and the time when they were noticed.
Result<void> add_losses(WriteSession& session, const CollectionEntry& collection,
                        std::string_view id, std::int64_t record_key,
                        const std::vector<core::Loss>& losses, KeptLosses& kept) {
  for (const core::Loss& loss : losses) {
    const std::optional<std::string> losing = text_of(loss.losing_value);
    const std::optional<std::string> winning = text_of(loss.winning_value);
    const auto [place, is_new] = kept.try_emplace(
        identity({loss.field, loss.losing_operation, losing, loss.winning_operation, winning}));
    place->second.is_current = true;
    if (!is_new) continue;
    auto add = session.store().cache().get(kAddLoss);
    if (!add) return fail(add);
    auto done = (*add)->run(record_key, loss.field, loss.losing_operation, losing,
                            loss.winning_operation, winning, loss.rule, session.wall_ms());
    if (!done) return done;
    session.note_conflict(collection, id);
  }
  return {};
}

// The unresolved losses become those of this fold. Over a base they add up: it has swallowed the
// operations of which the others came.
Result<void> replace_losses(WriteSession& session, const CollectionEntry& collection,
                            std::string_view id, const RecordRow& row,
                            const std::vector<core::Loss>& losses) {
  auto kept = read_losses(session, row.key);
  if (!kept) return fail(kept);
  if (auto done = add_losses(session, collection, id, row.key, losses, *kept); !done) return done;
  if (row.base_version) return {};
  for (const auto& [what, loss] : *kept) {
    if (loss.resolved || loss.is_current) continue;
    auto forget = session.store().cache().get(kForgetLoss);
    if (!forget) return fail(forget);
    if (auto done = (*forget)->run(loss.key); !done) return done;
  }
  return {};
}

// Nothing is left that the record would follow from.
Result<void> forget_record(WriteSession& session, CollectionEntry& collection, std::string_view id,
                           std::int64_t key) {
  session.touch(collection, key, id);
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
  auto kept = read_losses(session, record_key);
  if (!kept) return fail(kept);
  return add_losses(session, collection, id, record_key, {loss}, *kept);
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
  return replace_losses(session, collection, id, row, folded.losses);
}

}  // namespace tombolo::client
