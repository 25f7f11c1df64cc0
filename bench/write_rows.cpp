// Durable writes through the server, against a bare SQLite group commit of the very rows that they
// leave in the server's file, with the same settings.
//
// How many operations the bound puts in a commit: as many as the clients may have under way at
// once. Each waits for an answer that leaves after the commit only, so no server can gather more,
// and the bound is the best that any server could do; ours may well commit less at a time.
#include <fmt/format.h>

#include "http_load.h"
#include "kinto_requests.h"
#include "operation_source.h"
#include "row_copy.h"
#include "run.h"
#include "scratch.h"
#include "server_process.h"
#include "stream_client.h"
#include "timing.h"

namespace tombolo::bench {
namespace {

// A rate of 60 % of the bound's.
constexpr double kSixtyPercent = 1 / 0.6;

constexpr int kClients = 64;

const RowTitle kPut{.name = "durable PUT, 64 clients",
                    .bound = "bare SQLite, the same rows, 64 in a commit",
                    .budget = kSixtyPercent};
const RowTitle kSinglePut{.name = "durable PUT, 1 client",
                          .bound = "bare SQLite, the same rows, each its own commit",
                          .budget = {}};
const RowTitle kIngest{.name = "operation ingest, one stream connection",
                       .bound = "bare SQLite, the same rows, 1,600 in a commit",
                       .budget = kSixtyPercent};
static_assert(Upload::kBatchOperations * Upload::kBatchesInFlight == 1'600);

// Alternates `ours`, which fills the file of a server on its own, with a copy of the rows.
class WriteRow {
 public:
  using Load = std::function<Result<Sample>(const ServerProcess& server)>;

  WriteRow(Run& run, const Scratch& scratch) : run_(run), scratch_(scratch) {}

  Result<void> measure(const RowTitle& title, std::int64_t operations,
                       std::int64_t operations_per_commit, const Load& load) {
    rows_.reset();
    return run_.compare(
        title,
        [&]() -> Result<Sample> {
          const Scratch files = scratch_.inner();
          return rows_->insert_into(files.file("bare.db"), operations_per_commit,
                                    rows_->operations() - operations);
        },
        [&] { return run_server(load); });
  }

 private:
  Result<Sample> run_server(const Load& load) {
    const Scratch files = scratch_.inner();
    const std::string file = files.file("server.db");
    auto server = ServerProcess::tombolo(run_.settings().tombolo, file);
    if (!server) return fail(server);
    if (auto made = make_collection(server->port()); !made) return fail(made);
    auto sample = load(*server);
    if (!sample || rows_) return sample;
    if (auto stopped = server->stop(); !stopped) return fail(stopped);
    auto copy = RowCopy::of_server(file);
    if (!copy) return fail(copy);
    rows_ = std::move(*copy);
    return sample;
  }

  Run& run_;
  const Scratch& scratch_;
  std::optional<RowCopy> rows_;
};

Result<Sample> put(const ServerProcess& server, int clients, std::int64_t requests) {
  const std::int64_t warm_up = requests / 20;
  const std::vector<std::string> ids = make_ids(warm_up + requests);
  std::int64_t first = 0;
  HttpLoad load{server.port(), clients, static_cast<int>(warm_up), [&](int index) {
                  const std::int64_t number = first + index;
                  return put_request(ids[static_cast<std::size_t>(number)], number);
                }};
  if (const auto done = run(load); !done) return fail(done);
  first = warm_up;
  load.requests = static_cast<int>(requests);
  return timed(requests, server.process_id(), [&]() -> Result<void> {
    const auto done = run(load);
    if (!done) return fail(done);
    return {};
  });
}

Result<Sample> ingest(const ServerProcess& server, std::int64_t operations) {
  OperationSource source("bench-ingest");
  const Upload warm_up(source, operations / 20);
  const Upload all(source, operations);
  auto stream = StreamClient::connect(server.port(), kStreamPath, kCredentials);
  if (!stream) return fail(stream);
  if (auto begun = stream->begin_stream(source.node(), 0); !begun) return fail(begun);
  if (auto done = upload(*stream, warm_up); !done) return fail(done);
  return timed(operations, server.process_id(), [&] { return upload(*stream, all); });
}

}  // namespace

Result<void> measure_writes(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  WriteRow row(run, *scratch);
  const std::int64_t puts = run.count(40'000);
  auto done = row.measure(kPut, puts, kClients,
                          [&](const ServerProcess& server) { return put(server, kClients, puts); });
  if (!done) return done;
  const std::int64_t single_puts = run.count(4'000);
  done = row.measure(kSinglePut, single_puts, 1,
                     [&](const ServerProcess& server) { return put(server, 1, single_puts); });
  if (!done) return done;
  const std::int64_t operations = run.count(100'000);
  return row.measure(kIngest, operations, Upload::kBatchOperations * Upload::kBatchesInFlight,
                     [&](const ServerProcess& server) { return ingest(server, operations); });
}

}  // namespace tombolo::bench
