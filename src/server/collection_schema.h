// The schema of a collection: what its attribute "schema" (JSON Schema with merge annotations, see
// core/schema.h) says, as it is stored with the collection through any door.
#pragma once

#include "core/operation.h"
#include "core/schema.h"
#include "server/resource.h"
#include "server/storage/storage.h"

#include "tombolo/result.h"

namespace tombolo::server {

// The schema for the records of `list`. One that takes everything when the collection does not
// exist, has none, or has one that we understand nothing of.
Result<core::CollectionSchema> stored_schema(ReadTransaction& transaction, const ListPath& list);

// Checks what an operation writes. An insert must be whole; an update may write any field, and null
// in place of any; a delete writes nothing. Fails with invalid_argument, naming the field.
Result<void> check_against(const core::CollectionSchema& schema, const core::Operation& operation);

}  // namespace tombolo::server
