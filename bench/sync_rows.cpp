// A fresh device takes 100,000 records over the stream into its own durable file.
#include <fmt/format.h>

#include "local_database.h"
#include "row_copy.h"
#include "run.h"
#include "scratch.h"
#include "server_process.h"
#include "timing.h"

#include "tombolo/tombolo.hpp"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kRecords = 100'000;
constexpr std::int64_t kTimeoutMs = 600'000;

const RowTitle kDownload{.name = "first sync of 100,000 records into a durable store",
                         .bound = "bare SQLite, the same rows in one commit",
                         .budget = 2.0};
const RowTitle kDownloadSeconds{
    .name = "first sync of 100,000 records, in seconds", .bound = {}, .budget = 1.0};
const RowTitle kUpload{.name = "first upload of 100,000 records, one stream connection",
                       .bound = "bare SQLite, the server's rows in one commit",
                       .budget = {}};

Result<Sample> sync_once(Database& database, const std::string& url, std::int64_t records) {
  // The processor's time is this process's: the device's side alone.
  auto sample = timed(records, 0, [&]() -> Result<void> {
    auto remote = database.connect({.url = url});
    if (!remote) return fail(remote);
    return remote->wait_until_synced(kTimeoutMs);
  });
  if (!sample) return sample;
  const auto count = database.collection("todos").count();
  if (!count || *count != records) {
    return fail(ErrorCode::internal, "the device does not hold every record");
  }
  return sample;
}

std::string url_of(const ServerProcess& server) {
  return fmt::format("ws://127.0.0.1:{}/kora-sync", server.port());
}

Result<void> measure_download(Run& run, const Scratch& scratch, const ServerProcess& server,
                              std::int64_t records) {
  std::optional<RowCopy> rows;
  const auto ours = [&]() -> Result<Sample> {
    const Scratch files = scratch.inner();
    const std::string file = files.file("fresh.db");
    Result<Sample> sample = fail(ErrorCode::internal, "not run");
    {
      auto fresh = Database::open(file);
      if (!fresh) return fail(fresh);
      sample = sync_once(*fresh, url_of(server), records);
    }
    if (!sample || rows) return sample;
    auto copy = RowCopy::of_client(file);
    if (!copy) return fail(copy);
    rows = std::move(*copy);
    return sample;
  };
  const auto bound = [&]() -> Result<Sample> {
    const Scratch files = scratch.inner();
    return rows->insert_into(files.file("bare.db"), rows->operations());
  };
  return run.compare(kDownload, bound, ours);
}

Result<void> measure_upload(Run& run, const Scratch& scratch, std::int64_t records) {
  std::optional<RowCopy> rows;
  const auto ours = [&]() -> Result<Sample> {
    const Scratch files = scratch.inner();
    auto source = Database::open(files.file("source.db"));
    if (!source) return fail(source);
    if (auto made = create_records(*source, make_records(0, records)); !made) return fail(made);
    auto server = ServerProcess::tombolo(run.settings().tombolo, files.file("server.db"));
    if (!server) return fail(server);
    auto sample = sync_once(*source, url_of(*server), records);
    if (!sample || rows) return sample;
    source->close();
    if (auto stopped = server->stop(); !stopped) return fail(stopped);
    auto copy = RowCopy::of_server(files.file("server.db"));
    if (!copy) return fail(copy);
    rows = std::move(*copy);
    return sample;
  };
  const auto bound = [&]() -> Result<Sample> {
    const Scratch files = scratch.inner();
    return rows->insert_into(files.file("bare.db"), rows->operations());
  };
  return run.compare(kUpload, bound, ours);
}

}  // namespace

Result<void> measure_first_sync(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  const std::int64_t records = run.count(kRecords);
  if (run.wants(kDownload.name)) {
    auto server = ServerProcess::tombolo(run.settings().tombolo, scratch->file("server.db"));
    if (!server) return fail(server);
    {
      auto source = Database::open(scratch->file("source.db"));
      if (!source) return fail(source);
      if (auto made = create_records(*source, make_records(0, records)); !made) return made;
      if (auto done = sync_once(*source, url_of(*server), records); !done) return fail(done);
    }
    if (auto done = measure_download(run, *scratch, *server, records); !done) return done;
    Row row;
    row.title = kDownloadSeconds;
    row.unit = "s";
    std::vector<double> seconds;
    for (const Sample& sample : run.last_samples()) seconds.push_back(sample.wall_seconds);
    row.value = spread_of(std::move(seconds));
    run.add(std::move(row));
  }
  return run.wants(kUpload.name) ? measure_upload(run, *scratch, records) : Result<void>();
}

}  // namespace tombolo::bench
