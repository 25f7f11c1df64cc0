#include "base/planted_fault.h"

#include <array>
#include <atomic>

namespace tombolo {
namespace {

constexpr std::array kAll = {
    PlantedFault::server_synchronous_normal,
    PlantedFault::ack_before_commit,
    PlantedFault::cursor_before_page,
    PlantedFault::ack_without_session,
    PlantedFault::merge_by_arrival,
    PlantedFault::lost_tombstone,
    PlantedFault::status_as_flag,
    PlantedFault::unchecked_relay,
};

std::atomic<PlantedFault> the_planted = PlantedFault::none;

}  // namespace

bool planted(PlantedFault fault) {
  return the_planted == fault;
}

void plant(PlantedFault fault) {
  the_planted = fault;
}

std::span<const PlantedFault> all_planted_faults() {
  return kAll;
}

std::string_view name_of(PlantedFault fault) {
  switch (fault) {
    case PlantedFault::none:
      return "none";
    case PlantedFault::server_synchronous_normal:
      return "server_synchronous_normal";
    case PlantedFault::ack_before_commit:
      return "ack_before_commit";
    case PlantedFault::cursor_before_page:
      return "cursor_before_page";
    case PlantedFault::ack_without_session:
      return "ack_without_session";
    case PlantedFault::merge_by_arrival:
      return "merge_by_arrival";
    case PlantedFault::lost_tombstone:
      return "lost_tombstone";
    case PlantedFault::status_as_flag:
      return "status_as_flag";
    case PlantedFault::unchecked_relay:
      return "unchecked_relay";
  }
  return "unknown";
}

}  // namespace tombolo
