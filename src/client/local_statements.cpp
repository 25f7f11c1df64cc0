#include "client/local_statements.h"

#include <array>
#include <string_view>

namespace tombolo::client {
namespace {

struct Named {
  Sql name;
  std::string_view sql;
};

constexpr std::array kSql{
    Named{
        Sql::read_state,
        "SELECT s.node_key, n.id, s.wall_ms, s.logical, s.sequence_number, s.revision, s.catalog, "
        "s.position FROM state s JOIN nodes n USING (node_key) WHERE s.singleton = 1"},
    Named{Sql::write_state,
          "UPDATE state SET wall_ms = ?1, logical = ?2, sequence_number = ?3, revision = ?4, "
          "catalog = ?5, position = ?6 WHERE singleton = 1"},
    Named{Sql::find_record,
          "SELECT record_key, data, deleted, stamp, node_key, base, base_version FROM records "
          "WHERE collection_key = ?1 AND id = ?2"},
    Named{Sql::insert_record,
          "INSERT INTO records(collection_key, id, data, deleted, stamp, node_key, revision) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(collection_key, id) DO NOTHING"},
    Named{Sql::update_record,
          "UPDATE records SET data = ?2, deleted = ?3, stamp = ?4, node_key = ?5, revision = ?6 "
          "WHERE record_key = ?1"},
    Named{Sql::update_record_keeping_base,
          "UPDATE records SET data = ?2, deleted = ?3, stamp = ?4, node_key = ?5, revision = ?6, "
          "base = CASE WHEN deleted THEN '-' || data ELSE data END WHERE record_key = ?1"},
    Named{Sql::insert_operation,
          "INSERT INTO operations(position, operation_id, record_key, stamp, node_key, "
          "sequence_number, body, pending) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
    Named{Sql::operations_of_record,
          "SELECT o.operation_id, o.stamp, n.id, o.sequence_number, o.body FROM operations o "
          "JOIN nodes n USING (node_key) WHERE o.record_key = ?1 ORDER BY o.stamp"},
    Named{Sql::operations_at_stamp,
          "SELECT position, operation_id, pending FROM operations "
          "WHERE record_key = ?1 AND stamp = ?2"},
    Named{Sql::acknowledge_at, "UPDATE operations SET pending = pending & ~?2 WHERE position = ?1"},
    Named{Sql::find_node, "SELECT node_key FROM nodes WHERE id = ?1"},
    Named{Sql::insert_node, "INSERT INTO nodes(id) VALUES (?1)"},
    Named{Sql::node_of_key, "SELECT id FROM nodes WHERE node_key = ?1"},
    Named{Sql::raise_seen, "UPDATE nodes SET seen = ?2 WHERE node_key = ?1 AND seen < ?2"},
    Named{Sql::read_collection_totals,
          "SELECT fingerprint FROM collections WHERE collection_key = ?1"},
    Named{Sql::write_collection_totals,
          "UPDATE collections SET fingerprint = ?2, revision = ?3 WHERE collection_key = ?1"},
};
static_assert(kSql.size() == static_cast<std::size_t>(Sql::count));

constexpr bool in_order() {
  for (std::size_t i = 0; i < kSql.size(); ++i) {
    if (kSql[i].name != static_cast<Sql>(i)) return false;
  }
  return true;
}
static_assert(in_order());

}  // namespace

Result<LocalStatements> LocalStatements::prepare(store::Connection& connection) {
  LocalStatements all;
  all.statements_.reserve(kSql.size());
  for (const Named& named : kSql) {
    Result<store::Statement> statement = store::Statement::prepare(connection, named.sql);
    if (!statement) return fail(statement);
    all.statements_.push_back(std::move(*statement));
  }
  return all;
}

}  // namespace tombolo::client
