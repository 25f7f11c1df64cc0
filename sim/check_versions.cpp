// The history of each record's versions, as callers at the Kinto door saw it. The server gives
// versions numbers that grow with every change, so that a few rules replace a search for an order:
// those of a register with compare-and-set, by number.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "sim/checks.h"

namespace tombolo::sim {
namespace {

constexpr const char* kChecker = "versions";

bool wrote(const Call& call) {
  return call.method != "GET" && (call.status == 200 || call.status == 201);
}

std::string words(const Call& call) {
  return call.method + " by " + call.caller + " at " + std::to_string(call.sent_us / 1000) + " ms";
}

void check_record(const RecordName& record, const std::vector<const Call*>& calls,
                  Findings& findings) {
  std::map<std::int64_t, const Call*> made;      // versions by who made them
  std::map<std::int64_t, const Call*> replaced;  // versions by who replaced them, having said so
  for (const Call* call : calls) {
    if (call->answered_us < 0 || !call->version) continue;
    if (wrote(*call)) {
      const auto [other, fresh] = made.emplace(*call->version, call);
      if (!fresh) {
        findings.add(kChecker,
                     words(*call) + " and " + words(*other->second) + " made the same version " +
                         std::to_string(*call->version),
                     record);
      }
      if (call->if_match && *call->version <= *call->if_match) {
        findings.add(kChecker, words(*call) + " made a version that is no later than its base",
                     record);
      }
      if (call->if_match && !replaced.emplace(*call->if_match, call).second) {
        findings.add(kChecker,
                     words(*call) + " and " + words(*replaced.at(*call->if_match)) +
                         " both replaced version " + std::to_string(*call->if_match),
                     record);
      }
    }
  }
  // Who replaced a version by a later one knew of none in between.
  for (const auto& [base, call] : replaced) {
    const auto between = made.upper_bound(base);
    if (between != made.end() && between->first < *call->version) {
      findings.add(kChecker,
                   words(*call) + " replaced " + std::to_string(base) + " though there was " +
                       std::to_string(between->first),
                   record);
    }
  }
  // What was there before somebody asked is not newer than what he got.
  for (const Call* call : calls) {
    if (call->answered_us < 0 || !call->version) continue;
    if (call->status != 200 && call->status != 201) continue;
    for (const Call* before : calls) {
      if (!wrote(*before) || before->answered_us < 0 || !before->version) continue;
      if (before->answered_us >= call->sent_us || *before->version <= *call->version) continue;
      findings.add(kChecker,
                   words(*call) + " got version " + std::to_string(*call->version) + " after " +
                       std::to_string(*before->version) + " was there",
                   record);
      return;
    }
  }
}

}  // namespace

void check_versions(const Witnesses& all) {
  std::map<RecordName, std::vector<const Call*>> records;
  for (const Call& call : all.history.calls) records[call.record].push_back(&call);
  for (const auto& [record, calls] : records) check_record(record, calls, all.findings);
}

}  // namespace tombolo::sim
