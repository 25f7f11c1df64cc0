// Cost against the size of the table: what one operation costs with 1,000 records in the
// collection, and with ten, a hundred, a thousand times as many. Flat but for the logarithm: a
// search in a tree of n records takes log n steps, so the budget is the ratio of the logarithms.
//
// Every round makes new files of every size, so that a table has the size that the row says, and
// not what earlier rounds have added to it; what is measured adds little.
#include <array>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <fmt/format.h>
#include <initializer_list>
#include <mutex>
#include <thread>

#include "http_load.h"
#include "kinto_requests.h"
#include "local_database.h"
#include "operation_source.h"
#include "run.h"
#include "sample.h"
#include "scratch.h"
#include "server_process.h"
#include "stream_client.h"
#include "timing.h"

#include "tombolo/tombolo.hpp"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kSmallest = 1'000;
constexpr std::int64_t kFillStep = 10'000;  // so that not all of it is in memory at once
constexpr int kConnections = 16;

enum Path { kPut, kGet, kSince, kIngest, kWrite, kQuery, kLive, kPathCount };
constexpr std::array<std::string_view, kPathCount> kNames = {
    "PUT of a new record",
    "GET of a record",
    "_since poll with 100 new records",
    "stream ingest",
    "local write",
    "local indexed query of 50 records",
    "local write until a live query without an index tells it",
};

std::string row_name(Path path, std::int64_t size) {
  return fmt::format("growth: {}, {} records", kNames[path], size);
}

using PathSamples = std::array<std::optional<Sample>, kPathCount>;

// The checkpoint that follows the filling is over by then.
void settle() {
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
}

// One size in one round.
class Site {
 public:
  Site(Run& run, const Scratch& scratch, std::int64_t size, PathSamples& samples)
      : run_(run), files_(scratch.inner()), size_(size), samples_(samples) {}

  // Reads come first: they change nothing. What is polled for is what the PUTs have written.
  Result<void> measure_server() {
    auto server = ServerProcess::tombolo(run_.settings().tombolo, files_.file("server.db"));
    if (!server) return fail(server);
    if (auto made = make_collection(server->port()); !made) return made;
    OperationSource source("bench-growth");
    auto stream = StreamClient::connect(server->port(), kStreamPath, kCredentials);
    if (!stream) return fail(stream);
    if (auto begun = stream->begin_stream(source.node(), 0); !begun) return begun;
    for (std::int64_t filled = 0; filled < size_; filled += kFillStep) {
      auto done = upload(*stream, Upload(source, std::min(kFillStep, size_ - filled)));
      if (!done) return done;
    }
    settle();
    const auto get = [&](int index) {
      return get_request(
          source.records()[static_cast<std::size_t>(index) * 7919 % source.records().size()]);
    };
    if (auto done = load(*server, kGet, 4'000, get); !done) return done;
    const auto now = fetch(server->port(), list_request("_limit=1"));
    if (!now) return fail(now);
    const std::string since = list_request("_since=\"" + etag_of(*now) + "\"&_limit=100");

    const std::int64_t puts = run_.count(1'000);
    const std::vector<std::string> ids = make_ids(puts + puts / 10);
    auto done = load(*server, kPut, puts, [&](int index) {
      return put_request(ids[next_put_ + static_cast<std::size_t>(index)], index);
    });
    if (!done) return done;
    done = load(*server, kSince, 1'000, [&](int) { return since; });
    if (!done) return done;

    const Upload operations(source, run_.count(2'000));
    auto sample =
        timed(run_.count(2'000), server->process_id(), [&] { return upload(*stream, operations); });
    if (!sample) return fail(sample);
    samples_[kIngest] = *sample;
    return {};
  }

  Result<void> measure_local() {
    if (auto filled = fill_local(); !filled) return filled;
    // Opened anew, so that at every size the log is empty when the clock starts.
    auto database = Database::open(files_.file("local.db"));
    if (!database) return fail(database);
    const Collection todos = database->collection("todos");
    const std::int64_t owners = size_ / kRecordsPerOwner;
    const auto query_some = [&](std::int64_t count) -> Result<void> {
      for (std::int64_t query = 0; query < count; ++query) {
        const auto found = todos.where("owner", owner_name(query * 7919 % owners)).all();
        if (!found) return fail(found);
        if (found->size() != kRecordsPerOwner) return fail(ErrorCode::internal, "not 50 records");
      }
      return {};
    };
    // Each owner once: what is measured is the size of the table, not who reads a page first.
    if (auto warm = query_some(owners); !warm) return warm;
    const std::int64_t queries = run_.count(500);
    auto sample = timed(queries, 0, [&] { return query_some(queries); });
    if (!sample) return fail(sample);
    samples_[kQuery] = *sample;

    // Records of owners that nobody asks for: the index grows, the answers do not.
    const std::int64_t first = size_ + 1'000'000;
    const std::int64_t writes = run_.count(2'000);
    std::vector<Object> objects = make_records(first, first + writes);
    sample = timed(writes, 0, [&] { return create_records(*database, std::move(objects)); });
    if (!sample) return fail(sample);
    samples_[kWrite] = *sample;
    return measure_live(*database);
  }

 private:
  // Half of the writes enter the answer, which has a fifth of the table; each of those waits to be
  // told.
  Result<void> measure_live(Database& database) {
    Collection todos = database.collection("todos");
    std::mutex mutex;
    std::condition_variable told;
    std::int64_t calls = 0;
    const auto live = todos.where("priority", 0).observe([&](const Changes&) {
      const std::lock_guard guard(mutex);
      ++calls;
      told.notify_one();
    });
    if (!live) return fail(live);
    const auto wait_for_call = [&](std::int64_t number) -> Result<void> {
      constexpr std::chrono::seconds kTimeout(60);
      std::unique_lock guard(mutex);
      if (told.wait_for(guard, kTimeout, [&] { return calls >= number; })) return {};
      return fail(ErrorCode::internal, "the live query was not told of a write");
    };
    if (auto begun = wait_for_call(1); !begun) return begun;
    const std::int64_t writes = run_.count(500);
    auto sample = timed(2 * writes, 0, [&]() -> Result<void> {
      for (std::int64_t write = 0; write < writes; ++write) {
        Object record = sample_record(2'000'000 + write);
        record.set("priority", 1);
        if (const auto made = todos.create(record); !made) return fail(made);
        record.set("priority", 0);
        if (const auto made = todos.create(std::move(record)); !made) return fail(made);
        if (auto seen = wait_for_call(write + 2); !seen) return seen;
      }
      return {};
    });
    if (!sample) return fail(sample);
    samples_[kLive] = *sample;
    return {};
  }

  Result<void> fill_local() {
    auto database = Database::open(files_.file("local.db"));
    if (!database) return fail(database);
    auto made = database->collection("todos").declare_index({"owner"});
    for (std::int64_t filled = 0; made && filled < size_; filled += kFillStep) {
      made = create_records(*database, make_records(filled, std::min(filled + kFillStep, size_)));
    }
    return made;
  }

  Result<void> load(const ServerProcess& server, Path path, std::int64_t full_count,
                    const std::function<std::string(int)>& request) {
    const std::int64_t requests = run_.count(full_count);
    HttpLoad load{server.port(), kConnections, static_cast<int>(requests / 10), request};
    if (const auto warm = run(load); !warm) return fail(warm);
    if (path == kPut) next_put_ += static_cast<std::size_t>(load.requests);
    load.requests = static_cast<int>(requests);
    auto sample = timed(requests, server.process_id(), [&]() -> Result<void> {
      const auto done = run(load);
      if (!done) return fail(done);
      return {};
    });
    if (!sample) return fail(sample);
    samples_[path] = *sample;
    return {};
  }

  Run& run_;
  const Scratch files_;
  const std::int64_t size_;
  PathSamples& samples_;
  std::size_t next_put_ = 0;
};

RowTitle title_of(Path path, std::int64_t size) {
  return {.name = row_name(path, size),
          .bound = fmt::format("the same with {} records", kSmallest),
          .judged = Judged::cpu_time,
          .budget = std::log(static_cast<double>(size)) / std::log(kSmallest)};
}

}  // namespace

Result<void> measure_growth(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  std::vector<std::int64_t> sizes = {kSmallest};
  while (sizes.back() * 10 <= run.settings().largest_table) sizes.push_back(sizes.back() * 10);
  const auto wanted = [&](std::initializer_list<Path> paths) {
    for (const Path path : paths) {
      for (std::size_t size = 1; size < sizes.size(); ++size) {
        if (run.wants(row_name(path, sizes[size]))) return true;
      }
    }
    return false;
  };
  const bool server = wanted({kPut, kGet, kSince, kIngest});
  const bool local = wanted({kWrite, kQuery, kLive});
  if (!server && !local) return {};
  // [path][size][round]
  std::vector<std::vector<std::vector<Sample>>> samples(
      kPathCount, std::vector<std::vector<Sample>>(sizes.size()));
  for (int round = 0; round <= run.rounds(); ++round) {
    for (std::size_t size = 0; size < sizes.size(); ++size) {
      PathSamples found;
      Site site(run, *scratch, sizes[size], found);
      Result<void> done = server ? site.measure_server() : Result<void>();
      if (done && local) done = site.measure_local();
      if (!done) return done;
      if (round == 0) continue;  // it warmed up
      for (std::size_t path = 0; path < kPathCount; ++path) {
        if (found[path]) samples[path][size].push_back(*found[path]);
      }
    }
    fmt::print(stderr, "growth, round {} of {}\n", round, run.rounds());
  }
  for (std::size_t path = 0; path < kPathCount; ++path) {
    for (std::size_t size = 1; size < sizes.size(); ++size) {
      if (samples[path][0].empty()) continue;
      run.add(compared(title_of(static_cast<Path>(path), sizes[size]), samples[path][0],
                       samples[path][size]));
    }
  }
  return {};
}

}  // namespace tombolo::bench
