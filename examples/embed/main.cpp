// A small program with a local database: it writes, queries and watches, all without a network.
#include <cstdio>
#include <string>
#include <tombolo/tombolo.hpp>

namespace {

using tombolo::Result;

Result<void> play(const std::string& path) {
  auto database = tombolo::Database::open(path);
  if (!database) return fail(database);
  auto languages = database->collection("languages");

  // Every write is one transaction, and survives a power loss.
  if (auto made = languages.put("lld", {{"name", "Ladin"}, {"speakers", 30'000}}); !made) {
    return fail(made);
  }
  if (auto made = languages.put("roh", {{"name", "Romansh"}, {"speakers", 60'000}}); !made) {
    return fail(made);
  }
  if (auto changed = languages.patch("lld", {{"speakers", 31'000}}); !changed) return fail(changed);

  auto found = languages.where("speakers", tombolo::at_least(20'000)).order_by("name").all();
  if (!found) return fail(found);
  for (const tombolo::Record& language : *found) {
    std::printf("%s: %lld speakers\n", std::string(language["name"].as_string()).c_str(),
                static_cast<long long>(language["speakers"].as_integer()));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const auto done = play(argc > 1 ? argv[1] : "languages.db");
  if (!done) std::fprintf(stderr, "languages: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
