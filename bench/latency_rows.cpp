// How long it takes until a write is seen elsewhere, against what cannot be avoided on the way:
// loopback round trips and syncs of the disk, each measured bare.
#include <condition_variable>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <unistd.h>

#include "kinto_requests.h"
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

// What reaches the disk at least at a commit: one page, with its header in the log.
constexpr std::size_t kSyncBytes = 8192 + 24;

// From the frame that goes to the server to the frame that arrives: the server alone is durable.
const RowTitle kStream{.name = "write -> received by another client, p50",
                       .bound = "1 fdatasync of an appended page + 2 round trips",
                       .budget = 2.0};
// From create() to the live query of another device: three files are synced on the way.
const RowTitle kDevices{.name = "create() -> live query of another device, p50",
                        .bound = "3 fdatasyncs of an appended page + 2 round trips",
                        .budget = {}};

Result<double> median_seconds(std::int64_t count, const std::function<Result<void>()>& step) {
  std::vector<double> seconds;
  for (std::int64_t index = 0; index < count; ++index) {
    const double before = monotonic_seconds();
    if (auto done = step(); !done) return fail(done);
    seconds.push_back(monotonic_seconds() - before);
  }
  return spread_of(std::move(seconds)).median;
}

Result<double> sync_seconds(const std::string& file, std::int64_t count) {
  const int handle = open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const std::string page(kSyncBytes, 'x');
  auto median = median_seconds(count, [&]() -> Result<void> {
    if (write(handle, page.data(), page.size()) == static_cast<ssize_t>(page.size()) &&
        fdatasync(handle) == 0) {
      return {};
    }
    return fail(ErrorCode::storage, "cannot write " + file);
  });
  close(handle);
  unlink(file.c_str());
  return median;
}

// To a bare WebSocket server in another process, and back, with the bytes of one operation.
Result<double> round_trip_seconds(StreamClient& echo, const std::string& frame,
                                  std::int64_t count) {
  return median_seconds(count, [&]() -> Result<void> {
    if (auto sent = echo.send_bytes(frame); !sent) return sent;
    const auto back = echo.next_text();
    return back ? Result<void>() : fail(back);
  });
}

// The way that cannot be shorter: so many syncs and two round trips, each at its median.
class Bound {
 public:
  static Result<Bound> make(Run& run, const Scratch& scratch, int syncs) {
    auto server = ServerProcess::start({run.bare_program("bare_websocket"), "echo"});
    if (!server) return fail(server);
    auto echo = StreamClient::connect(server->port(), "/");
    if (!echo) return fail(echo);
    return Bound(std::move(*server), std::move(*echo), scratch.file("syncs"), run.count(500),
                 syncs);
  }

  Result<Sample> measure() {
    OperationSource source("bench-echo");
    const Result<double> sync = sync_seconds(file_, count_);
    if (!sync) return fail(sync);
    const auto trip = round_trip_seconds(echo_, text_frame(source.next_batch(1)), count_);
    if (!trip) return fail(trip);
    return Sample{syncs_ * *sync + 2 * *trip, {}, 1};
  }

 private:
  Bound(ServerProcess server, StreamClient echo, std::string file, std::int64_t count, int syncs)
      : server_(std::move(server)),
        echo_(std::move(echo)),
        file_(std::move(file)),
        count_(count),
        syncs_(syncs) {}

  ServerProcess server_;
  StreamClient echo_;
  std::string file_;
  std::int64_t count_;
  int syncs_;
};

Result<void> measure_stream(Run& run, const Scratch& scratch) {
  const Scratch files = scratch.inner();
  auto server = ServerProcess::tombolo(run.settings().tombolo, files.file("server.db"));
  if (!server) return fail(server);
  if (auto made = make_collection(server->port()); !made) return made;
  OperationSource source("bench-writer");
  auto writer = StreamClient::connect(server->port(), kStreamPath, kCredentials);
  if (!writer) return fail(writer);
  if (auto begun = writer->begin_stream(source.node(), 0); !begun) return begun;
  auto reader = StreamClient::connect(server->port(), kStreamPath, kCredentials);
  if (!reader) return fail(reader);
  if (auto begun = reader->begin_stream("bench-reader", 0); !begun) return begun;
  auto bound = Bound::make(run, files, 1);
  if (!bound) return fail(bound);
  const std::int64_t count = run.count(500);
  const auto ours = [&]() -> Result<Sample> {
    std::vector<double> seconds;
    for (std::int64_t index = 0; index < count; ++index) {
      const std::string frame = text_frame(source.next_batch(1));
      const double before = monotonic_seconds();
      if (auto sent = writer->send_bytes(frame); !sent) return fail(sent);
      const auto batch = reader->next_of_type("operation-batch");
      if (!batch) return fail(batch);
      seconds.push_back(monotonic_seconds() - before);
      if (auto sent = reader->send_text(acknowledgment_of(*batch)); !sent) return fail(sent);
      const auto acknowledged = writer->next_of_type("acknowledgment");
      if (!acknowledged) return fail(acknowledged);
    }
    return Sample{spread_of(std::move(seconds)).median, {}, 1};
  };
  return run.compare(kStream, [&] { return bound->measure(); }, ours);
}

// Counts the records that a live query has been told of.
class Watch {
 public:
  void count(const Changes& changes) {
    {
      const std::lock_guard lock(mutex_);
      records_ += changes.entered.size();
      last_ = monotonic_seconds();
    }
    changed_.notify_one();
  }

  // When the record of that number came; nothing after 30 s without it.
  std::optional<double> wait_for(std::size_t records) {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return records_ >= records; });
    return came ? std::optional(last_) : std::nullopt;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t records_ = 0;
  double last_ = 0;
};

Result<void> measure_devices(Run& run, const Scratch& scratch) {
  const Scratch files = scratch.inner();
  auto server = ServerProcess::tombolo(run.settings().tombolo, files.file("server.db"));
  if (!server) return fail(server);
  const std::string url = fmt::format("ws://127.0.0.1:{}/kora-sync", server->port());
  auto writer = Database::open(files.file("writer.db"));
  if (!writer) return fail(writer);
  auto reader = Database::open(files.file("reader.db"));
  if (!reader) return fail(reader);
  Watch watch;
  auto live = reader->collection("todos").query().observe(
      [&](const Changes& changes) { watch.count(changes); });
  if (!live) return fail(live);
  for (Database* const database : {&*writer, &*reader}) {
    auto remote = database->connect({.url = url});
    if (!remote) return fail(remote);
    if (auto synced = remote->wait_until_synced(30'000); !synced) return synced;
  }
  auto bound = Bound::make(run, files, 3);
  if (!bound) return fail(bound);
  Collection todos = writer->collection("todos");
  std::size_t records = 0;
  const auto ours = [&]() -> Result<Sample> {
    std::vector<double> seconds;
    for (std::int64_t index = 0; index < run.count(200); ++index) {
      const double before = monotonic_seconds();
      const auto created = todos.create(sample_record(index));
      if (!created) return fail(created);
      const auto seen = watch.wait_for(++records);
      if (!seen) return fail(ErrorCode::timeout, "the other device did not see a record");
      seconds.push_back(*seen - before);
    }
    return Sample{spread_of(std::move(seconds)).median, {}, 1};
  };
  auto done = run.compare(kDevices, [&] { return bound->measure(); }, ours);
  live->stop();
  return done;
}

}  // namespace

Result<void> measure_latency(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  if (run.wants(kStream.name)) {
    if (auto done = measure_stream(run, *scratch); !done) return done;
  }
  return run.wants(kDevices.name) ? measure_devices(run, *scratch) : Result<void>();
}

}  // namespace tombolo::bench
