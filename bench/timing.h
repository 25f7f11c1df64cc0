// Clocks and memory of this process and others.
#pragma once

#include <cstdint>
#include <functional>

#include "measurement.h"

#include "tombolo/result.h"

namespace tombolo::bench {

double monotonic_seconds();

// User and system time of all threads of a process so far; of this one by default.
double cpu_seconds(int process_id = 0);

// Resident memory in KiB.
std::int64_t resident_kib(int process_id);

// How often a thread of the process has gone to sleep since it started: so often it was woken.
std::int64_t wake_ups(int process_id);

// What all processors of the machine have been busy with since it started, in seconds.
double machine_busy_seconds();

// What this process and its ended children have used, in seconds.
double own_cpu_seconds();

// Runs the work and takes its time, and that of process `process_id`.
Result<Sample> timed(std::int64_t operations, int process_id,
                     const std::function<Result<void>()>& work);

}  // namespace tombolo::bench
