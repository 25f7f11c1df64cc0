// A client database file with any bytes in it: it opens, or says why not. The first byte says how
// much of a real database comes first, for the bytes to spoil.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include "os/files.h"
#include "target.h"

#include "tombolo/tombolo.hpp"

namespace tombolo {
namespace {

const std::string& folder() {
  static const os::TemporaryDirectory directory = os::TemporaryDirectory::make().value();
  static const std::string path = directory.path();
  return path;
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
    std::remove((path + suffix).c_str());
  }
}

// A small database with something of everything in it.
std::string sound_database() {
  const std::string path = folder() + "/sound.db";
  {
    Database database = Database::open(path, {.durability = Durability::relaxed}).value();
    Collection collection = database.collection("c");
    for (int i = 0; i < 20; ++i) {
      (void)collection.create({{"id", "r" + std::to_string(i)}, {"x", i}}).value();
    }
    (void)collection.patch("r1", {{"x", "changed"}});
    (void)collection.remove("r2");
  }
  std::ifstream file(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

void use(const std::string& path) {
  auto database = Database::open(path, {.durability = Durability::relaxed});
  if (!database) return;
  (void)database->collections();
  (void)database->status();
  (void)database->losses();
  (void)database->dead_letters();
  (void)database->operations(100);
  Collection collection = database->collection("c");
  (void)collection.where("x", 1).order_by("x").all();
  (void)collection.patch("r1", {{"x", 5}});
  (void)collection.create({{"id", "new"}, {"x", 1}});
  (void)collection.remove("r3");
}

}  // namespace
}  // namespace tombolo

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tombolo;
  static const std::string sound = sound_database();
  fuzz::Choices choices(fuzz::text_of(data, size));
  std::string bytes;
  if (choices.below(8) == 0) {
    bytes = choices.rest();
  } else {
    bytes = sound;
    while (!choices.done()) {  // spoil a byte here and there
      const std::size_t at =
          (std::size_t{choices.byte()} << 16 | std::size_t{choices.byte()} << 8 | choices.byte()) %
          bytes.size();
      bytes[at] = static_cast<char>(choices.byte());
    }
  }
  const std::string path = folder() + "/hostile.db";
  remove_database(path);
  write_file(path, bytes);
  use(path);
  return 0;
}
