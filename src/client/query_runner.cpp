#include "client/query_runner.h"

#include "client/query_compiler.h"
#include "store/id.h"

namespace tombolo::client {

Result<std::optional<Record>> find_record(const ReadConnection& read, std::int64_t collection_key,
                                          std::string_view id) {
  auto select = read.cache.get(
      "SELECT data FROM records WHERE collection_key = ?1 AND id = ?2 AND deleted = 0");
  if (!select) return fail(select);
  const store::StoredId stored(id);
  return (*select)->query_one(
      [&](const store::Row& row) {
        return Record::from_text(std::string(id), std::string(row.text(0)));
      },
      collection_key, stored);
}

Result<void> for_each_record(const ReadConnection& read, std::int64_t collection_key,
                             const QuerySpecification& query,
                             const std::function<bool(const Record&)>& visit) {
  const Result<CompiledQuery> compiled = compile(collection_key, query);
  if (!compiled) return fail(compiled);
  auto select = read.cache.get(compiled->select("id, data"));
  if (!select) return fail(select);
  bind_parameters(**select, compiled->parameters);
  store::Rows rows(**select);
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return {};
    const store::Row row = rows.row();
    if (!visit(Record::from_text(store::read_id(row, 0), std::string(row.text(1))))) return {};
  }
}

Result<std::int64_t> count_records(const ReadConnection& read, std::int64_t collection_key,
                                   const QuerySpecification& query) {
  const Result<CompiledQuery> compiled = compile(collection_key, query);
  if (!compiled) return fail(compiled);
  auto select = read.cache.get(compiled->count());
  if (!select) return fail(select);
  bind_parameters(**select, compiled->parameters);
  const store::ResetGuard guard(**select);
  const Result<bool> row = (*select)->step();
  if (!row) return fail(row);
  return (*select)->row().int64(0);
}

Result<std::string> explain_query(const ReadConnection& read, std::int64_t collection_key,
                                  const QuerySpecification& query) {
  const Result<CompiledQuery> compiled = compile(collection_key, query);
  if (!compiled) return fail(compiled);
  auto explain = store::Statement::prepare(read.connection,
                                           "EXPLAIN QUERY PLAN " + compiled->select("id, data"));
  if (!explain) return fail(explain);
  bind_parameters(*explain, compiled->parameters);
  store::Rows rows(*explain);
  std::string plan;
  for (;;) {
    const Result<bool> more = rows.next();
    if (!more) return fail(more);
    if (!*more) return plan;
    plan.append(rows.row().text(3)).push_back('\n');
  }
}

}  // namespace tombolo::client
