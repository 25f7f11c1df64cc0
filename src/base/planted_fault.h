// Bugs on purpose, for the test that the simulator finds such bugs. They are there in builds with
// the CMake option TOMBOLO_PLANTED_FAULTS alone, and even there only once planted; in all others
// planted() is false when compiling, and what depends on it is no code.
//
// Each stands where somebody would make it, and loses or shows something in a way that its place
// explains. They are for the simulator's one thread.
#pragma once

#ifdef TOMBOLO_PLANTED_FAULTS
#include <span>
#include <string_view>
#endif

namespace tombolo {

enum class PlantedFault {
  none,
  server_synchronous_normal,  // a server whose commits do not wait for the disk
  ack_before_commit,          // the stream door acknowledges what it has written, not committed
  cursor_before_page,         // clients commit how far they have read before what they have read
  ack_without_session,  // an upload is taken for that of the same number of an earlier session
  merge_by_arrival,     // what arrives last wins, however old it is
  lost_tombstone,       // an older update that comes after the delete brings the record back
  status_as_flag,       // a remote that was synced once says so for ever
  unchecked_relay,      // news are passed on live to whoever listens to the bucket
};

#ifdef TOMBOLO_PLANTED_FAULTS
bool planted(PlantedFault fault);
// In the whole process, in place of what was planted before; `none`: nothing any more. Thread-safe,
// and meant to be called while nothing runs.
void plant(PlantedFault fault);
std::span<const PlantedFault> all_planted_faults();  // without `none`
std::string_view name_of(PlantedFault fault);        // "ack_before_commit", ...
#else
constexpr bool planted(PlantedFault) {
  return false;
}
#endif

}  // namespace tombolo
