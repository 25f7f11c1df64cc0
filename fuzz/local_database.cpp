// A client database file with anything in it: it opens and works, or says why not. The first byte
// says whether the file is the rest of the bytes, or a sound one of which they spoil bytes or
// cells.
#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "os/files.h"
#include "store/connection.h"
#include "store/statement.h"
#include "target.h"

#include "tombolo/tombolo.hpp"

namespace tombolo {
namespace {

const std::string& folder() {
  static const os::TemporaryDirectory directory = os::TemporaryDirectory::make().value();
  static const std::string path = directory.path();
  return path;
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
    std::remove((path + suffix).c_str());
  }
}

// A database with something of everything in it; what only a server makes is written by hand.
std::string sound_database() {
  const std::string path = folder() + "/sound.db";
  {
    Database database = Database::open(path, {.durability = Durability::relaxed}).value();
    Collection collection = database.collection("c");
    (void)database
        .connect({.url = "ws://127.0.0.1:9/v1/buckets/b/stream", .name = "r", .automatic = false})
        .value();
    for (int i = 0; i < 20; ++i) {
      (void)collection.create({{"id", "r" + std::to_string(i)}, {"x", i}}).value();
    }
    (void)collection.patch("r1", {{"x", "changed"}});
    (void)collection.remove("r2");
    (void)collection.declare_index({"x"});
  }
  store::Connection connection = store::Connection::open(path, {.trusted_schema = true}).value();
  connection
      .execute(
          "INSERT INTO losses VALUES (1, 1, 'x', hex(zeroblob(32)), '1', hex(zeroblob(32)), '2', "
          "'last-write-wins', 1, 0);"
          "INSERT INTO dead_letters VALUES (1, 1, 1, 'FORBIDDEN', 'no', 1), (2, 1, 2, 'x', 'y', 1);"
          "UPDATE operations SET pending = 0 WHERE position < 3;"
          "INSERT INTO cursors VALUES (1, 'server', 'watermark', '7@one');"
          "INSERT INTO unreadable_operations VALUES (1, 1, 'server', '', '{', 'no', 1);")
      .value();
  connection.checkpoint(store::CheckpointMode::truncate).value();
  return os::read_file(path).value();
}

// Every table and column of ours.
std::vector<std::pair<std::string, std::string>> columns_of(const std::string& path) {
  store::Connection connection = store::Connection::open(path, {.trusted_schema = true}).value();
  auto select = store::Statement::prepare(
      connection,
      "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c "
      "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY 1, c.cid");
  std::vector<std::pair<std::string, std::string>> columns;
  store::Rows rows = select->query();
  while (rows.next().value()) columns.emplace_back(rows.row().text(0), rows.row().text(1));
  return columns;
}

// What no column expects, as SQL.
constexpr std::array<const char*, 16> kOddValues{"NULL",
                                                 "0",
                                                 "-1",
                                                 "63",
                                                 "64",
                                                 "9223372036854775807",
                                                 "-9223372036854775808",
                                                 "(1 << 53)",
                                                 "1.5",
                                                 "''",
                                                 "'x'",
                                                 "'[1]'",
                                                 "'{}'",
                                                 "'{\"t\":\"u\",\"d\":{\"x\":1}}'",
                                                 "zeroblob(15)",
                                                 "zeroblob(32)"};

// Writes odd values into the cells of a sound database. SQLite finds nothing wrong with it then.
void spoil_cells(const std::string& path, fuzz::Choices& choices) {
  static const auto columns = columns_of(folder() + "/sound.db");
  store::Connection connection = store::Connection::open(path, {.trusted_schema = true}).value();
  for (int i = 0; i < 8 && !choices.done(); ++i) {
    const auto& [table, column] = columns[choices.byte() % columns.size()];
    const std::string value = kOddValues[choices.below(kOddValues.size())];
    const std::string row = std::to_string(choices.below(8));  // 0: in all rows
    (void)connection.execute("UPDATE OR REPLACE " + table + " SET " + column + " = " + value +
                             " WHERE " + row + " IN (0, (SELECT count(*) FROM " + table +
                             " o WHERE o." + column + " <= " + table + "." + column + "))");
  }
}

// Pages are mostly empty: a byte that is not zero is the one to change.
void spoil_byte(std::string& bytes, fuzz::Choices& choices) {
  std::size_t at =
      (std::size_t{choices.byte()} << 16 | std::size_t{choices.byte()} << 8 | choices.byte()) %
      bytes.size();
  while (at + 1 < bytes.size() && bytes[at] == 0) ++at;
  bytes[at] = static_cast<char>(choices.byte());
}

void use(const std::string& path) {
  auto database = Database::open(path, {.durability = Durability::relaxed});
  if (!database) return;
  (void)database->collections();
  (void)database->status();
  (void)database->losses();
  (void)database->dead_letters();
  (void)database->operations(100);
  (void)database->retry_dead_letter(1);
  (void)database->discard_dead_letter(2);
  (void)database->restore_loss(1);
  Collection collection = database->collection("c");
  (void)collection.where("x", 1).order_by("x").all();
  (void)collection.patch("r1", {{"x", 5}});
  (void)collection.create({{"id", "new"}, {"x", 1}});
  (void)collection.remove("r3");
  (void)database->forget_remote("r");
  (void)database->status();
}

}  // namespace
}  // namespace tombolo

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tombolo;
  static const std::string sound = sound_database();
  const std::string path = folder() + "/hostile.db";
  fuzz::Choices choices(fuzz::text_of(data, size));
  remove_database(path);
  const unsigned way = choices.below(8);
  if (way == 0) {
    os::write_file(path, choices.rest()).value();
  } else if (way < 4) {
    std::string bytes = sound;
    while (!choices.done()) spoil_byte(bytes, choices);
    os::write_file(path, bytes).value();
  } else {
    os::write_file(path, sound).value();
    spoil_cells(path, choices);
  }
  use(path);
  return 0;
}
