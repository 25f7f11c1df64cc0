// Resident memory of the server: idle, and for each idle stream connection (without TLS, which the
// server does not do itself). The kernel's memory for sockets is not in it.
#include <chrono>
#include <fmt/format.h>
#include <sys/resource.h>
#include <thread>

#include "http_load.h"
#include "kinto_requests.h"
#include "run.h"
#include "scratch.h"
#include "server_process.h"
#include "stream_client.h"
#include "timing.h"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kConnections = 5'000;

const RowTitle kServer{.name = "idle server, resident", .bound = {}, .budget = 15};
const RowTitle kConnection{
    .name = "idle stream connection, server memory", .bound = {}, .budget = 4};

// Checkpoints and what else follows a request are over by then.
void settle() {
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

Result<void> open_streams(const ServerProcess& server, std::int64_t count,
                          std::vector<StreamClient>& streams) {
  for (std::int64_t index = 0; index < count; ++index) {
    auto stream = StreamClient::connect(server.port(), kStreamPath, kCredentials);
    if (!stream) return fail(stream);
    auto begun = stream->begin_stream(fmt::format("idle-{}", streams.size()), 0);
    if (!begun) return begun;
    streams.push_back(std::move(*stream));
  }
  return {};
}

Result<double> server_mib(Run& run, const Scratch& scratch) {
  const Scratch files = scratch.inner();
  auto server = ServerProcess::tombolo(run.settings().tombolo, files.file("server.db"));
  if (!server) return fail(server);
  if (auto made = make_collection(server->port()); !made) return fail(made);
  settle();
  return static_cast<double>(resident_kib(server->process_id())) / 1024;
}

// The first hundred warm the server up: its tables grow with the first connections.
Result<double> connection_kib(Run& run, const Scratch& scratch) {
  const Scratch files = scratch.inner();
  auto server = ServerProcess::tombolo(run.settings().tombolo, files.file("server.db"));
  if (!server) return fail(server);
  if (auto made = make_collection(server->port()); !made) return fail(made);
  std::vector<StreamClient> streams;
  if (auto opened = open_streams(*server, 100, streams); !opened) return fail(opened);
  settle();
  const std::int64_t before = resident_kib(server->process_id());
  const std::int64_t count = run.count(kConnections);
  if (auto opened = open_streams(*server, count, streams); !opened) return fail(opened);
  settle();
  const std::int64_t grown = resident_kib(server->process_id()) - before;
  return static_cast<double>(grown) / static_cast<double>(count);
}

// The server inherits it.
void allow_many_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<void> measure_memory(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  allow_many_descriptors();
  auto done = run.measure(kServer, "MiB", [&] { return server_mib(run, *scratch); });
  if (!done) return done;
  return run.measure(kConnection, "KiB", [&] { return connection_kib(run, *scratch); });
}

}  // namespace tombolo::bench
