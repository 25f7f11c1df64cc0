#include "timing.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace tombolo::bench {
namespace {

double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

double monotonic_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return seconds(now);
}

double cpu_seconds(int process_id) {
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  if (process_id != 0 && clock_getcpuclockid(process_id, &clock) != 0) return 0;
  timespec used{};
  clock_gettime(clock, &used);
  return seconds(used);
}

std::int64_t resident_kib(int process_id) {
  std::ifstream file("/proc/" + std::to_string(process_id) + "/statm");
  std::int64_t total_pages = 0;
  std::int64_t resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE) / 1024;
}

std::int64_t wake_ups(int process_id) {
  std::int64_t sum = 0;
  const std::string threads = "/proc/" + std::to_string(process_id) + "/task";
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(threads, error)) {
    std::ifstream status(thread.path() / "status");
    for (std::string name; status >> name;) {
      std::int64_t count = 0;
      if (name == "voluntary_ctxt_switches:" && status >> count) sum += count;
    }
  }
  return sum;
}

double machine_busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  std::int64_t user = 0;
  std::int64_t nice = 0;
  std::int64_t system = 0;
  file >> name >> user >> nice >> system;
  return static_cast<double>(user + nice + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_cpu_seconds() {
  double used = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    used += seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  return used;
}

Result<Sample> timed(std::int64_t operations, int process_id,
                     const std::function<Result<void>()>& work) {
  const double cpu_before = cpu_seconds(process_id);
  const double before = monotonic_seconds();
  const Result<void> done = work();
  const double wall = monotonic_seconds() - before;
  if (!done) return fail(done);
  return Sample{wall, cpu_seconds(process_id) - cpu_before, operations};
}

}  // namespace tombolo::bench
