// What a device says of its remote when its own disk fails within an exchange.
#include <gtest/gtest.h>
#include <string>

#include "client/local_writes.h"
#include "protocol/operation_json.h"
#include "sim/test_device.h"

namespace tombolo::sim {
namespace {

core::Operation another_devices() {
  core::Operation operation;
  operation.node = "another";
  operation.collection = "c";
  operation.record = "r";
  operation.data = Object{{"n", 1}};
  operation.timestamp = {VirtualClock::kEpochMs, 0, operation.node};
  operation.sequence_number = 1;
  operation.id = core::operation_id(operation).value();
  return operation;
}

void write(TestDevice& device) {
  const auto done = device.engine().write([](client::WriteSession& session) -> Result<void> {
    auto writer = client::LocalWriter::of(session, "c");
    return writer ? writer->put("mine", {{"n", 1}}) : fail(writer);
  });
  ASSERT_TRUE(done) << done.error().message;
}

// Exchanges with the server, in each of which another operation of the disk fails: how many did not
// end as if nothing had been.
int told_failures(const std::string& url, bool writes) {
  int told = 0;
  for (std::int64_t moment = 1;; ++moment) {
    TestDevice device(static_cast<std::uint64_t>(moment));
    const core::Operation theirs = another_devices();
    device.log().append(theirs, protocol::operation_json(theirs));
    if (writes) write(device);
    EXPECT_TRUE(device.connect(url));
    device.disk().fail_at(moment, DiskFault::io_error);
    device.exchange();
    if (device.disk().counts().faults == 0) return told;
    const RemoteStatus status = device.status();
    if (status.synced) continue;
    ++told;
    const Error error = status.last_error.value_or(Error{ErrorCode::internal, "says nothing"});
    EXPECT_EQ(error.code, ErrorCode::storage) << "moment " << moment << ": " << error.message;
  }
}

TEST(ClientConnectorOnASimulatedDisk, SaysThatTheDiskFailedWhenWhatAStreamBringsCannotBeStored) {
  EXPECT_GT(told_failures("ws://far/v1/buckets/b/stream", false), 1);
}

TEST(ClientConnectorOnASimulatedDisk, SaysThatTheDiskFailedWhenAnAcknowledgmentCannotBeStored) {
  EXPECT_GT(told_failures("ws://far/v1/buckets/b/stream", true), 2);
}

TEST(ClientConnectorOnASimulatedDisk, SaysThatTheDiskFailedWhenWhatAKintoServerHasCannotBeStored) {
  EXPECT_GT(told_failures("http://far/v1/buckets/b", false), 1);
}

}  // namespace
}  // namespace tombolo::sim
