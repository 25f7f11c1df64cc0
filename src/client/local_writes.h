// What an application writes, as operations: each of these checks the values against the schema,
// appends one operation to the log and makes the record what follows.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/write_session.h"

#include "tombolo/collection.h"
#include "tombolo/result.h"

namespace tombolo::client {

// Writes one collection through a session. A failure that left something half done poisons the
// session; one that came before (invalid_argument, not_found, already_exists) does not.
class LocalWriter {
 public:
  // Makes the collection when there is none.
  static Result<LocalWriter> of(WriteSession& session, std::string_view collection);

  Result<std::string> create(Object record);  // the id: record["id"], or a new one
  Result<void> replace(std::string_view id, Object record);
  Result<void> patch(std::string_view id, Object fields);
  Result<void> put(std::string_view id, Object record);
  Result<void> remove_fields(std::string_view id, const std::vector<std::string>& fields);
  Result<void> remove(std::string_view id);
  // Writes `fields` as the whole of a record that is here, alive or not, whatever the schema says
  // of them: they have been a record before.
  Result<void> restate(std::string_view id, Object fields);
  Result<void> change(std::string_view id, std::string_view field, core::AtomicOperation operation);
  Result<void> import_record(const Object& record, ImportOptions::Existing existing,
                             ImportSummary& summary);

 private:
  LocalWriter(WriteSession& session, CollectionEntry& collection)
      : session_(session), collection_(collection) {}

  // A living record and the operation that is to change it.
  struct Draft {
    RecordRow row;
    core::RecordState state;
    core::Operation operation;
  };

  // False: it exists, and `record` is as it was; otherwise it may be used up.
  Result<bool> insert(std::string_view id, Object& record);
  std::string_view record_text(const Object& fields);                  // valid until the next write
  Result<Draft> draft(core::OperationType type, std::string_view id);  // error: not_found
  Result<void> update(Draft& draft);
  Result<void> write(Draft& draft);
  Result<void> write_over(RecordRow row, core::Operation operation);  // an insert
  Result<void> append(std::int64_t record_key, const core::Operation& operation,
                      std::string_view data);
  NewVersion version(std::string_view data, const core::Operation& operation) const;
  void stamp(core::Operation& operation);
  std::unexpected<Error> poison(const Error& error);
  core::Operation make(core::OperationType type, std::string_view id);

  WriteSession& session_;
  CollectionEntry& collection_;
};

}  // namespace tombolo::client
