// What reading over HTTP costs the server, against a bare server that answers the same bytes.
#include <fmt/format.h>
#include <fstream>

#include "http_load.h"
#include "kinto_requests.h"
#include "operation_source.h"
#include "run.h"
#include "scratch.h"
#include "server_process.h"
#include "stream_client.h"
#include "timing.h"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kRecords = 50'000;
constexpr int kConnections = 64;

struct Read {
  RowTitle title;
  std::int64_t requests;
  std::function<std::string(int)> request;  // all are answered with as many bytes
};

RowTitle title_of(std::string name, std::optional<double> budget) {
  return {.name = std::move(name),
          .bound = "bare HTTP server, the same bytes",
          .judged = Judged::cpu_time,
          .budget = budget};
}

Result<Sample> load(const ServerProcess& server, const Read& read, std::int64_t requests) {
  HttpLoad load{server.port(), kConnections, static_cast<int>(requests / 10), read.request};
  if (const auto warm = run(load); !warm) return fail(warm);
  load.requests = static_cast<int>(requests);
  return timed(requests, server.process_id(), [&]() -> Result<void> {
    const auto done = run(load);
    if (!done) return fail(done);
    return {};
  });
}

// Both servers run all the time; the idle one costs nothing.
Result<void> measure_read(Run& run, const Scratch& scratch, const ServerProcess& server,
                          const Read& read) {
  if (!run.wants(read.title.name)) return {};
  const auto answer = fetch(server.port(), read.request(0));
  if (!answer) return fail(answer);
  const Scratch files = scratch.inner();
  std::ofstream(files.file("answer"), std::ios::binary) << *answer;
  auto bare = ServerProcess::start({run.bare_program("bare_http"), files.file("answer")});
  if (!bare) return fail(bare);
  const std::int64_t requests = run.count(read.requests);
  return run.compare(
      read.title, [&] { return load(*bare, read, requests); },
      [&] { return load(server, read, requests); });
}

// Our network layer with nothing behind it.
Result<void> measure_hello(Run& run, const Scratch& scratch) {
  const Read read{title_of("network layer alone, 64 connections", {}), 40'000,
                  [](int) { return http_request("GET", "/"); }};
  if (!run.wants(read.title.name)) return {};
  auto server = ServerProcess::start({run.bare_program("hello_server")});
  if (!server) return fail(server);
  return measure_read(run, scratch, *server, read);
}

}  // namespace

Result<void> measure_http(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  auto server = ServerProcess::tombolo(run.settings().tombolo, scratch->file("server.db"));
  if (!server) return fail(server);
  if (auto made = make_collection(server->port()); !made) return made;
  OperationSource source("bench-http");
  auto stream = StreamClient::connect(server->port(), kStreamPath, kCredentials);
  if (!stream) return fail(stream);
  if (auto begun = stream->begin_stream(source.node(), 0); !begun) return begun;
  if (auto done = upload(*stream, Upload(source, run.count(kRecords))); !done) return done;

  const std::vector<std::string>& ids = source.records();
  const auto hello = fetch(server->port(), list_request("_limit=1"));
  if (!hello) return fail(hello);
  const std::string now = etag_of(*hello);
  const Read reads[] = {
      // Records of the last thousand, whose numbers have as many digits: the same length of answer.
      {title_of("GET record, 64 connections", 1.5), 40'000,
       [&](int index) {
         const std::size_t last = std::min<std::size_t>(ids.size(), 1'000);
         const auto place = static_cast<std::size_t>(index) * 7919 % last;
         return get_request(ids[ids.size() - 1 - place]);
       }},
      {title_of("GET list of 100, 64 connections", {}), 5'000,
       [](int) { return list_request("_limit=100"); }},
      {title_of("GET _since, nothing new, 64 connections", {}), 40'000,
       [&](int) { return list_request("_since=\"" + now + "\""); }}};
  for (const Read& read : reads) {
    if (auto done = measure_read(run, *scratch, *server, read); !done) return done;
  }
  return measure_hello(run, *scratch);
}

}  // namespace tombolo::bench
