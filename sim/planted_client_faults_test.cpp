// Each fault that can be planted in the client does the harm that it is there for, and the client
// without it does not.
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "base/planted_fault.h"
#include "client/engine.h"
#include "client/local_writes.h"
#include "core/operation.h"
#include "protocol/operation_json.h"
#include "sim/test_device.h"

namespace tombolo::sim {
namespace {

using core::OperationType;

// Of record "r"; an author for each moment.
core::Operation operation(OperationType type, std::int64_t wall_ms, std::optional<Object> data,
                          std::optional<Object> previous = {}) {
  core::Operation operation;
  operation.node = "node " + std::to_string(wall_ms);
  operation.type = type;
  operation.collection = "c";
  operation.record = "r";
  operation.data = std::move(data);
  operation.previous_data = std::move(previous);
  operation.timestamp = {wall_ms, 0, operation.node};
  if (wall_ms > 1) {
    operation.base_version = core::format_timestamp({1, 0, "node 1"}).value();
  }
  operation.sequence_number = 1;
  operation.id = core::operation_id(operation).value();
  return operation;
}

class PlantedClientFaults : public testing::Test {
 protected:
  void TearDown() override { plant(PlantedFault::none); }

  // Whether `harm` is done with the fault; without it, nothing may be.
  template <typename Harm>
  static bool does_harm(PlantedFault fault, const Harm& harm) {
    plant(PlantedFault::none);
    EXPECT_FALSE(harm()) << "although nothing was planted";
    plant(fault);
    return harm();
  }

  // Whether record "r" of the server is missing for good after a power loss at some moment of the
  // first exchange.
  static bool misses_a_page(const std::string& url) {
    bool whole = false;
    for (std::int64_t moment = 1; !whole; ++moment) {
      TestDevice device(static_cast<std::uint64_t>(moment));
      const core::Operation insert = operation(OperationType::insert, 1, Object{{"n", 1}});
      device.log().append(insert, protocol::operation_json(insert));
      device.disk().cut_power_at(moment);
      device.sync(url);
      whole = device.disk().powered();
      device.lose_power();
      device.sync(url);
      EXPECT_TRUE(device.status().synced) << "moment " << moment;
      if (device.record("r") == "none") return true;
    }
    return false;
  }

  // Whether replicas that got these in one order and in another show different records.
  static bool differ(const std::vector<core::Operation>& one,
                     const std::vector<core::Operation>& other) {
    std::vector<std::string> seen;
    for (const auto* operations : {&one, &other}) {
      TestDevice device;
      for (const core::Operation& received : *operations) EXPECT_TRUE(device.receive(received));
      seen.push_back(device.record("r"));
    }
    return seen[0] != seen[1];
  }
};

TEST_F(PlantedClientFaults, WhoMovesTheCursorFirstMissesAPageOfAStream) {
  const auto misses = [] { return misses_a_page("ws://far/v1/buckets/b/stream"); };
  EXPECT_TRUE(does_harm(PlantedFault::cursor_before_page, misses));
}

TEST_F(PlantedClientFaults, WhoMovesTheCursorFirstMissesAPageOfAKintoServer) {
  const auto misses = [] { return misses_a_page("http://far/v1/buckets/b"); };
  EXPECT_TRUE(does_harm(PlantedFault::cursor_before_page, misses));
}

TEST_F(PlantedClientFaults, WhoMergesByArrivalDiffersFromWhoGotItInAnotherOrder) {
  const core::Operation insert = operation(OperationType::insert, 1, Object{{"n", 0}});
  const core::Operation first =
      operation(OperationType::update, 2, Object{{"n", 1}}, Object{{"n", 0}});
  const core::Operation second =
      operation(OperationType::update, 3, Object{{"n", 2}}, Object{{"n", 0}});
  const auto harm = [&] { return differ({insert, first, second}, {insert, second, first}); };
  EXPECT_TRUE(does_harm(PlantedFault::merge_by_arrival, harm));
}

TEST_F(PlantedClientFaults, WhoLosesATombstoneSeesADeletedRecordAgain) {
  const core::Operation insert = operation(OperationType::insert, 1, Object{{"n", 0}});
  const core::Operation update =
      operation(OperationType::update, 2, Object{{"n", 1}}, Object{{"n", 0}});
  const core::Operation removal = operation(OperationType::remove, 3, std::nullopt);
  const auto comes_back = [&] {
    TestDevice device;
    for (const core::Operation& received : {insert, removal, update}) {
      EXPECT_TRUE(device.receive(received));
    }
    return device.record("r") != "none";
  };
  EXPECT_TRUE(does_harm(PlantedFault::lost_tombstone, comes_back));
}

TEST_F(PlantedClientFaults, WhoKeepsTheStatusAsAFlagSaysSyncedWithSomethingPending) {
  const auto lies = [] {
    TestDevice device;
    device.sync("ws://far/v1/buckets/b/stream");
    EXPECT_TRUE(device.status().synced);
    const auto written = device.engine().write([](client::WriteSession& session) -> Result<void> {
      auto writer = client::LocalWriter::of(session, "c");
      return writer ? writer->put("r2", {{"n", 1}}) : fail(writer);
    });
    EXPECT_TRUE(written);
    EXPECT_EQ(device.status().pending, 1);
    return device.status().synced;
  };
  EXPECT_TRUE(does_harm(PlantedFault::status_as_flag, lies));
}

}  // namespace
}  // namespace tombolo::sim
