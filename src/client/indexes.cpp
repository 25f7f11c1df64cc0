#include "client/indexes.h"

#include "base/json.h"
#include "client/query_compiler.h"

namespace tombolo::client {

namespace {

// What the planner is to believe of the index (local_schema.cpp): few records with one value.
std::string planner_hint(std::int64_t index_key, std::size_t fields) {
  std::string stat = "10000";
  for (std::size_t i = 0; i < fields; ++i) stat += " 10";
  return "; INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES ('records', 'field_index_" +
         std::to_string(index_key) + "', '" + stat + "'); ANALYZE sqlite_schema;";
}

}  // namespace

Result<void> declare_index(WriteSession& session, std::string_view collection,
                           const std::vector<std::string>& fields) {
  constexpr std::size_t kMaxFields = 8;
  if (fields.empty() || fields.size() > kMaxFields) {
    return fail(ErrorCode::invalid_argument,
                "an index covers 1 to " + std::to_string(kMaxFields) + " fields");
  }
  const Result<CollectionEntry*> entry = session.catalog().collection(collection);
  if (!entry) return fail(entry);
  Array names(fields.begin(), fields.end());
  const std::string json = Value(std::move(names)).to_json();
  auto insert = session.store().cache().get(
      "INSERT INTO indexes(collection_key, fields) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
  if (!insert) return fail(insert);
  if (auto sql = index_sql(0, (*entry)->key, fields); !sql) return fail(sql);
  if (auto done = (*insert)->run((*entry)->key, json); !done) return done;
  if (session.store().connection().changes() == 0) return {};
  const std::int64_t key = session.store().connection().last_insert_rowid();
  const auto sql = index_sql(key, (*entry)->key, fields);
  if (!sql) return fail(sql);
  auto made = session.store().connection().execute(*sql + planner_hint(key, fields.size()));
  if (!made) session.poison(made.error());
  session.catalog().note_changed();
  return made;
}

Result<void> set_schema(WriteSession& session, std::string_view collection, const Value& schema) {
  const Result<core::CollectionSchema> parsed = core::parse_json_schema(collection, schema);
  if (!parsed) return fail(parsed);
  const Result<CollectionEntry*> entry = session.catalog().collection(collection);
  if (!entry) return fail(entry);
  const std::string text = schema.to_json();
  auto update =
      session.store().cache().get("UPDATE collections SET schema = ?2 WHERE collection_key = ?1");
  if (!update) return fail(update);
  if (auto done = (*update)->run((*entry)->key, text); !done) return done;
  session.catalog().note_changed();
  for (const core::FieldSchema& field : parsed->fields) {
    if (!field.indexed) continue;
    if (auto done = declare_index(session, collection, {field.name}); !done) return done;
  }
  return {};
}

}  // namespace tombolo::client
