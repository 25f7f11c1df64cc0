// The client library's main paths against what SQLite itself needs for the same rows in the same
// tables: `make bench`. Both sides run in turn in one process, each on a fresh file with the same
// settings.
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

#include "bare_store.h"
#include "http_load.h"
#include "options.h"
#include "report.h"
#include "sample.h"
#include "server_process.h"

#include "tombolo/tombolo.hpp"

namespace tombolo::bench {
namespace {

struct Settings {
  std::string binary;
  std::string folder;
  std::string json_file;
  int records = 0;
};

double seconds_of(const std::function<Result<void>()>& work, Result<void>& outcome) {
  const double start = monotonic_seconds();
  outcome = work();
  return monotonic_seconds() - start;
}

void add(Report& report, std::string name, double ours, double bare, int operations,
         double budget) {
  report.add({std::move(name),
              fmt::format("{:.0f} /s ({:.2f} us each), bare SQLite {:.2f} us", operations / ours,
                          ours * 1e6 / operations, bare * 1e6 / operations),
              fmt::format("<= {:.1f} x bare", budget), budget / (ours / bare),
              Object{{"seconds", ours},
                     {"bare_seconds", bare},
                     {"operations", operations},
                     {"times_bare", ours / bare}}});
}

Result<void> write_all(Database& database, int records) {
  constexpr int kPerTransaction = 1000;
  for (int first = 0; first < records; first += kPerTransaction) {
    const auto done = database.transaction([&](Transaction& transaction) -> Result<void> {
      Collection todos = transaction.collection("todos");
      for (int index = first; index < std::min(first + kPerTransaction, records); ++index) {
        if (auto created = todos.create(sample_record(index)); !created) return fail(created);
      }
      return {};
    });
    if (!done) return done;
  }
  return {};
}

// Local writes and reads beside the bare statements on a copy of the same tables.
Result<void> measure_local(const Settings& settings, const std::string& folder, Report& report) {
  const std::string file = folder + "/local.db";
  auto database = Database::open(file);
  if (!database) return fail(database);
  Result<void> outcome;
  const double ours = seconds_of([&] { return write_all(*database, settings.records); }, outcome);
  if (!outcome) return outcome;

  auto rows = BareRows::read(file);
  if (!rows) return fail(rows);
  const std::string bare_file = folder + "/bare.db";
  if (auto made = Database::open(bare_file); !made) return fail(made);
  const double bare = seconds_of([&] { return rows->insert_into(bare_file, 1000); }, outcome);
  if (!outcome) return outcome;
  add(report, "local write, transactions of 1,000", ours, bare, settings.records, 1.5);

  const auto todos = database->collection("todos");
  const double gets = seconds_of(
      [&]() -> Result<void> {
        for (int index = 0; index < settings.records; ++index) {
          const auto record = todos.get(rows->id(static_cast<std::size_t>(index) * 7919));
          if (!record) return fail(record);
        }
        return {};
      },
      outcome);
  if (!outcome) return outcome;
  const double bare_gets =
      seconds_of([&] { return rows->select_all(file, settings.records); }, outcome);
  if (!outcome) return outcome;
  add(report, "local read by id", gets, bare_gets, settings.records, 1.5);
  return {};
}

Result<void> measure_first_sync(const Settings& settings, const std::string& folder,
                                Report& report) {
  auto server = ServerProcess::start(settings.binary, settings.folder);
  if (!server) return fail(server);
  const std::string url = fmt::format("ws://127.0.0.1:{}/kora-sync", server->port());
  auto source = Database::open(folder + "/local.db");
  if (!source) return fail(source);
  auto upload = source->connect({.url = url});
  if (!upload) return fail(upload);
  Result<void> outcome;
  const double up = seconds_of([&] { return upload->wait_until_synced(300'000); }, outcome);
  if (!outcome) return outcome;
  upload->disconnect();

  auto fresh = Database::open(folder + "/fresh.db");
  if (!fresh) return fail(fresh);
  auto download = fresh->connect({.url = url});
  if (!download) return fail(download);
  const double down = seconds_of([&] { return download->wait_until_synced(300'000); }, outcome);
  if (!outcome) return outcome;
  const auto count = fresh->collection("todos").count();
  if (!count || *count != settings.records) {
    return fail(ErrorCode::internal, "the fresh device does not hold every record");
  }

  auto rows = BareRows::read(folder + "/fresh.db");
  if (!rows) return fail(rows);
  if (auto made = Database::open(folder + "/bare-sync.db"); !made) return fail(made);
  const double bare = seconds_of(
      [&] { return rows->insert_into(folder + "/bare-sync.db", settings.records); }, outcome);
  if (!outcome) return outcome;
  add(report, "first upload, one stream connection", up, bare, settings.records, 4);
  add(report, "first sync into a fresh device", down, bare, settings.records, 2);
  return {};
}

int main_with(int argc, char** argv) {
  const Options options(argc, argv,
                        {{"--binary", TOMBOLO_BINARY},  // the server
                         {"--folder", "/var/tmp"},      // of the databases: a real disk
                         {"--json", ""},                // a file for the figures
                         {"--records", "100000"}});
  const Settings settings{options.text("--binary"), options.text("--folder"),
                          options.text("--json"), std::max(2000, options.number("--records"))};

  std::string folder = settings.folder + "/tombolo-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    fmt::print(stderr, "cannot make a folder below {}\n", settings.folder);
    return 1;
  }
  Report report;
  auto done = measure_local(settings, folder, report);
  if (done) done = measure_first_sync(settings, folder, report);
  std::filesystem::remove_all(folder);
  if (!done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return 1;
  }
  fmt::print("{}", report.table());
  if (!settings.json_file.empty()) std::ofstream(settings.json_file) << report.json();
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) {
  return tombolo::bench::main_with(argc, argv);
}
