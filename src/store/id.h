// Ids in columns: a UUID in canonical form (36 lower-case characters) is stored as its 16 bytes,
// which halves the indexes; any other id is stored as text. One text has one stored form, so equal
// ids are equal values and a unique index works as on text.
//
// Order: SQLite sorts every text before every blob, texts by their UTF-8 bytes and blobs by theirs;
// the bytes of two UUIDs sort as their canonical texts do. `ORDER BY id` is therefore a total
// order, good for keyset pages, but the order of the texts only among UUIDs or among other ids. Who
// needs the order of the texts sorts by id_text(id), which an index can hold.
#pragma once

#include <string>
#include <string_view>

#include "base/uuid.h"
#include "store/statement.h"

#include "tombolo/result.h"

namespace tombolo::store {

// An id in its stored form, to bind as a parameter. A view: the text that it was made from must
// outlive it.
class StoredId {
 public:
  explicit StoredId(std::string_view id);
  explicit StoredId(const UuidBytes& bytes) : bytes_(bytes), uuid_(true) {}

  bool is_uuid() const { return uuid_; }
  const UuidBytes& bytes() const { return bytes_; }  // when is_uuid()
  std::string_view text() const { return text_; }    // otherwise

 private:
  UuidBytes bytes_{};
  std::string_view text_;
  bool uuid_ = false;
};

// The statement keeps a view of `id` until it is reset.
void bind_to(Statement& statement, int parameter, const StoredId& id);

// The id in a column as text; empty (never a valid id) for null and for a blob that is no UUID.
std::string read_id(const Row& row, int column);
void append_id(const Row& row, int column, std::string& text);  // the same, behind what is there

// Defines the SQL function id_text(id), which answers the text of a stored id, and
// stored_id(text), its inverse. Null for null; id_text is null for a blob that is no UUID.
Result<void> define_id_functions(Connection& connection);

}  // namespace tombolo::store
