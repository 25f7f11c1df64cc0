// How often a device is woken that is connected and has nothing to do: each time costs a phone's
// battery more than the work that follows.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <thread>

#include "os/child_process.h"
#include "run.h"
#include "scratch.h"
#include "server_process.h"
#include "timing.h"

#include "tombolo/value.h"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kPatienceMs = 30'000;
constexpr double kSettleSeconds = 5;
constexpr double kWatchedSeconds = 30;

const RowTitle kIdleDevice{.name = "idle connected device, wake-ups", .bound = {}, .budget = 30};

void sleep_seconds(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

Result<os::ChildProcess> connect_device(Run& run, const ServerProcess& server,
                                        const std::string& file) {
  const std::string url = fmt::format("ws://127.0.0.1:{}/v1/buckets/main/stream", server.port());
  auto device = os::ChildProcess::start(
      {.command = {run.settings().tombolo, "sync", url, "--watch", "--json", "--db", file}});
  if (!device) return device;
  for (;;) {
    const auto line = device->read_line(kPatienceMs);
    if (!line) return fail(line);
    if (!*line) return fail(ErrorCode::unavailable, "the device ended before it was synced");
    const auto event = Value::parse(**line);
    if (event && (*event)["event"] == Value("sync_finished")) return device;
  }
}

Result<double> wake_ups_a_minute(Run& run, const Scratch& scratch) {
  const Scratch files = scratch.inner();
  auto server = ServerProcess::start({run.settings().tombolo, "serve", "--json", "--port", "0",
                                      "--database", files.file("server.db"), "--log-level", "error",
                                      "--set", "stream.open_access=true"});
  if (!server) return fail(server);
  auto device = connect_device(run, *server, files.file("device.db"));
  if (!device) return fail(device);
  // A trial of the benchmark does not wait so long.
  const double scale = std::min(1.0, run.settings().scale * 10);
  sleep_seconds(kSettleSeconds * scale);
  const std::int64_t before = wake_ups(device->process_id());
  sleep_seconds(kWatchedSeconds * scale);
  const std::int64_t count = wake_ups(device->process_id()) - before;
  (void)device->stop(SIGTERM, kPatienceMs);
  return static_cast<double>(count) * 60 / (kWatchedSeconds * scale);
}

}  // namespace

Result<void> measure_wake_ups(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  return run.measure(kIdleDevice, "/min", [&] { return wake_ups_a_minute(run, *scratch); });
}

}  // namespace tombolo::bench
