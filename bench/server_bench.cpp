// The server's main paths, measured end to end on this machine: `make bench`.
//
// A real server process with a fresh database; load from this process over loopback. Beside the
// wall clock stands the server's CPU time per operation, which neighbours on the machine do not
// change. The goals are those of docs/architecture.md, set on a two-core machine with 2.25 GHz.
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <span>

#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http_load.h"
#include "operation_load.h"
#include "options.h"
#include "report.h"
#include "sample.h"
#include "server_process.h"

namespace tombolo::bench {
namespace {

class SteppingClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_ms_++ / 16; }
  std::int64_t monotonic_ms() const override { return now_ms_; }

 private:
  mutable std::int64_t now_ms_ = 1'700'000'000'000LL * 16;
};

constexpr std::string_view kCredentials = "Basic YmVuY2g6YmVuY2g=";  // bench:bench

std::string http_request(std::string_view method, std::string_view path, std::string_view body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n"
      "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      method, path, kCredentials, body.size(), body);
}

std::string record_body(int index) {
  return Value(Object{{"data", sample_record(index)}}).to_json();
}

constexpr std::string_view kRecords = "/v1/buckets/bench/collections/todos/records";

Result<void> make_collection(std::uint16_t port) {
  const auto bucket = fetch(port, http_request("PUT", "/v1/buckets/bench", "{}"));
  if (!bucket) return fail(bucket);
  const auto collection =
      fetch(port, http_request("PUT", "/v1/buckets/bench/collections/todos", "{}"));
  if (!collection) return fail(collection);
  return {};
}

std::vector<std::string> make_ids(int count, bool ordered, std::uint64_t seed) {
  const SteppingClock clock;
  SeededRandom random(seed);
  UuidGenerator generator(clock, random);
  std::vector<std::string> ids;
  for (int index = 0; index < count; ++index) {
    UuidBytes bytes = generator.next_bytes();
    if (!ordered) random.fill(std::span(bytes).first(6));
    ids.push_back(uuid_text(bytes));
  }
  return ids;
}

struct Suite {
  const ServerProcess& server;
  Report& report;
  int scale;

  Result<void> http(std::string name, int connections, int requests, double goal_per_second,
                    const std::function<std::string(int)>& request) {
    const double cpu_before = server.cpu_seconds();
    const auto result = run(HttpLoad{server.port(), connections, requests, request});
    if (!result) return fail(result);
    if (result->refused > 0) {
      return fail(ErrorCode::protocol,
                  fmt::format("{}: {} requests refused", name, result->refused));
    }
    const double cpu_us = (server.cpu_seconds() - cpu_before) * 1e6 / requests;
    report.add({name,
                fmt::format("{:.0f} /s, p50 {:.2f} ms, p99 {:.2f} ms, {:.1f} us CPU",
                            result->per_second(), result->p50_ms, result->p99_ms, cpu_us),
                fmt::format("{:.0f} /s", goal_per_second), result->per_second() / goal_per_second,
                Object{{"per_second", result->per_second()},
                       {"p50_ms", result->p50_ms},
                       {"p99_ms", result->p99_ms},
                       {"server_cpu_us", cpu_us}}});
    return {};
  }

  Result<void> put(std::string name, int connections, int count, bool ordered, double goal) {
    const std::vector<std::string> ids =
        make_ids(count, ordered, static_cast<std::uint64_t>(connections) * 2 + (ordered ? 1 : 0));
    return http(std::move(name), connections, count, goal, [&](int index) {
      return http_request("PUT",
                          fmt::format("{}/{}", kRecords, ids[static_cast<std::size_t>(index)]),
                          record_body(index));
    });
  }

  Result<void> ingest(std::string name, bool ordered, double goal) {
    const double cpu_before = server.cpu_seconds();
    OperationLoad load;
    load.port = server.port();
    load.operations = scale;
    load.ordered_ids = ordered;
    const auto result = run(load);
    if (!result) return fail(result);
    const double cpu_us = (server.cpu_seconds() - cpu_before) * 1e6 / load.operations;
    report.add({name, fmt::format("{:.0f} /s, {:.1f} us CPU", result->per_second(), cpu_us),
                fmt::format("{:.0f} /s", goal), result->per_second() / goal,
                Object{{"per_second", result->per_second()}, {"server_cpu_us", cpu_us}}});
    return {};
  }
};

Result<void> run_all(Suite& suite) {
  if (const auto made = make_collection(suite.server.port()); !made) return made;
  const int puts = suite.scale / 2;
  if (auto done = suite.put("PUT durable, 1 connection", 1, puts / 10, true, 4'500); !done)
    return done;
  if (auto done = suite.put("PUT durable, 64 connections, UUIDv7 ids", 64, puts, true, 30'000);
      !done) {
    return done;
  }
  if (auto done = suite.put("PUT durable, 64 connections, random ids", 64, puts, false, 20'000);
      !done) {
    return done;
  }
  const std::vector<std::string> ids = make_ids(puts, true, 64 * 2 + 1);
  const auto get_one = [&](int index) {
    const auto place = (static_cast<std::size_t>(index) * 7919) % ids.size();
    return http_request("GET", fmt::format("{}/{}", kRecords, ids[place]), "");
  };
  if (auto done = suite.http("GET record, 64 connections", 64, suite.scale, 45'000, get_one);
      !done) {
    return done;
  }
  if (auto done = suite.http(
          "GET list of 100", 16, suite.scale / 20, 15'000,
          [](int) { return http_request("GET", fmt::format("{}?_limit=100", kRecords), ""); });
      !done) {
    return done;
  }
  if (auto done = suite.ingest("stream ingest, 1 connection, UUIDv7 ids", true, 150'000); !done) {
    return done;
  }
  return suite.ingest("stream ingest, 1 connection, random ids", false, 50'000);
}

int main_with(int argc, char** argv) {
  const Options options(argc, argv,
                        {{"--binary", TOMBOLO_BINARY},  // the server
                         {"--folder", "/var/tmp"},      // of the database: a real disk
                         {"--json", ""},                // a file for the figures
                         {"--scale", "100000"},         // operations in the largest scenario
                         {"--pin", "-1"}});             // processor to keep the server on
  const int scale = std::max(2000, options.number("--scale"));

  const auto server = ServerProcess::start(options.text("--binary"), options.text("--folder"),
                                           options.number("--pin"));
  if (!server) {
    fmt::print(stderr, "{}\n", server.error().message);
    return 1;
  }
  Report report;
  Suite suite{*server, report, scale};
  if (const auto done = run_all(suite); !done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return 1;
  }
  fmt::print("{}", report.table());
  fmt::print("server memory after the run: {} KiB\n", server->resident_kib());
  if (const std::string& file = options.text("--json"); !file.empty()) {
    std::ofstream(file) << report.json();
  }
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) {
  return tombolo::bench::main_with(argc, argv);
}
