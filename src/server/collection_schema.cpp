#include "server/collection_schema.h"

#include <optional>
#include <string_view>

#include "base/json.h"

namespace tombolo::server {

Result<core::CollectionSchema> stored_schema(ReadTransaction& transaction, const ListPath& list) {
  core::CollectionSchema none;
  none.name = list.collection;
  Result<std::optional<StoredObject>> collection =
      transaction.find(ObjectPath::collection(list.bucket, list.collection));
  if (!collection) return fail(collection);
  if (!*collection || (*collection)->state != ObjectState::alive) return none;
  // Most collections have none, which is seen without reading the attributes.
  if ((*collection)->data.find("\"schema\"") == std::string::npos) return none;
  Result<Value> data = parse_json((*collection)->data);
  if (!data) return fail(data);
  const Value& schema = (*data)["schema"];
  if (!schema.is_object()) return none;
  Result<core::CollectionSchema> parsed = core::parse_json_schema(list.collection, schema);
  if (!parsed) return none;
  return parsed;
}

Result<void> check_against(const core::CollectionSchema& schema, const core::Operation& operation) {
  if (operation.type == core::OperationType::remove) return {};
  if (schema.fields.empty() && !schema.closed) return {};
  Object data = operation.data ? *operation.data : Object();
  // The system's own, unless the schema has something to say about them.
  for (const std::string_view name : {"id", "last_modified"}) {
    if (schema.find(name) == nullptr) data.erase(name);
  }
  const Result<Object> checked = operation.type == core::OperationType::insert
                                     ? core::validate_insert(schema, data)
                                     : core::validate_update(schema, data);
  if (!checked) return fail(checked);
  return {};
}

}  // namespace tombolo::server
