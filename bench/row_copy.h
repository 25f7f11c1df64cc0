// The physical bound of a store: the very rows that ours wrote, inserted by prepared statements and
// nothing else, into the same tables of a fresh file with the same settings.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "measurement.h"
#include "store/connection.h"

#include "tombolo/result.h"

namespace tombolo::bench {

class RowCopy {
 public:
  // A table, and the select that gives its rows, every column, in the order in which they are to be
  // inserted. All tables of a copy have as many rows: row i of each belongs to operation i.
  struct Table {
    std::string name;
    std::string select;
  };

  // Reads schema and rows of a file that nobody has open into memory.
  static Result<RowCopy> read(const std::string& file, const std::vector<Table>& tables);
  // The records and operations of a client's file, and of a server's: inserts alone, one operation
  // for each record.
  static Result<RowCopy> of_client(const std::string& file);
  static Result<RowCopy> of_server(const std::string& file);

  std::int64_t operations() const { return operations_; }

  // Makes the file and inserts all operations, so many in a durable commit. Those of the first
  // `untimed` are inserted before the clock starts.
  Result<Sample> insert_into(const std::string& file, std::int64_t operations_per_commit,
                             std::int64_t untimed = 0) const;

 private:
  using Cell =
      std::variant<std::nullptr_t, std::int64_t, double, std::string, std::vector<std::uint8_t>>;
  struct Rows {
    std::string insert;  // the statement
    std::size_t columns = 0;
    std::vector<Cell> cells;  // row after row
  };
  class Inserts;

  std::string schema_;
  store::OpenOptions options_;
  bool counts_memory_ = true;  // whether SQLite counts its memory; not in the server
  std::vector<Rows> tables_;
  std::int64_t operations_ = 0;
};

}  // namespace tombolo::bench
