// The physical bound of the local store: the very rows of a client database, inserted and read by
// prepared statements and nothing else, in the same tables with the same settings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tombolo/result.h"

namespace tombolo::bench {

class BareRows {
 public:
  // Reads every record and operation of a client database into memory.
  static Result<BareRows> read(const std::string& file);

  // Inserts them into the empty client database `file`, so many records a transaction, each
  // durable.
  Result<void> insert_into(const std::string& file, int records_per_transaction) const;

  // Selects `count` records by id, one statement each.
  Result<void> select_all(const std::string& file, int count) const;

  // The id of a record, as text; any index is taken modulo the number of records.
  std::string id(std::size_t index) const;

 private:
  struct RecordRow {
    std::int64_t key = 0;
    std::int64_t collection_key = 0;
    std::string id;  // as it is stored: 16 bytes
    std::string data;
    std::int64_t stamp = 0;
    std::int64_t node_key = 0;
    std::int64_t revision = 0;
  };
  struct OperationRow {
    std::int64_t position = 0;
    std::string id;
    std::int64_t record_key = 0;
    std::int64_t stamp = 0;
    std::int64_t node_key = 0;
    std::int64_t sequence_number = 0;
    std::string body;
    std::int64_t pending = 0;
  };
  std::vector<RecordRow> records_;
  std::vector<OperationRow> operations_;
};

}  // namespace tombolo::bench
