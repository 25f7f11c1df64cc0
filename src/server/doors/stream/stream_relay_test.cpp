// Who is sent what of a large commit.
#include "server/doors/stream/stream_door_for_test.h"

namespace tombolo::server {
namespace {

class StreamRelayTest : public StreamDoorTest {
 protected:
  std::unique_ptr<TestSocket> join(const std::string& node) {
    auto socket = connect();
    socket->send(handshake(node, 0));
    socket->next("handshake-response");
    socket->send(acknowledgment(socket->next("operation-batch")));
    return socket;
  }

  // The operations 1 to `count` of ann, in one batch.
  void upload(TestSocket& ann, int count) {
    std::vector<core::Operation> many;
    for (int number = 1; number <= count; ++number) {
      many.push_back(insert("ann", number, {{"n", number}}));
    }
    ann.send(batch("large", many));
    ann.next("acknowledgment");
  }

  // Operations until one has that number; how many they are.
  static std::size_t count_up_to(TestSocket& socket, std::int64_t last) {
    std::size_t count = 0;
    for (;;) {
      const Value batch = socket.next_operations();
      if (batch.is_null()) return count;
      socket.send(acknowledgment(batch));
      const Value& operations = batch["operations"];
      count += operations.size();
      if (operations.at(operations.size() - 1)["data"]["n"].as_integer() == last) return count;
    }
  }
};

TEST_F(StreamRelayTest, ALargeCommitGoesToEverybodyButItsAuthor) {
  start();
  const auto ann = join("ann");
  const auto bob = join("bob");
  upload(*ann, 3'000);
  EXPECT_EQ(count_up_to(*bob, 3'000), 3'000U);
  bob->send(batch("small", {insert("bob", 3'001, {{"n", 3'001}})}));
  const Value relayed = ann->next_operations();
  ASSERT_EQ(relayed["operations"].size(), 1U) << "nothing of its own";
  EXPECT_EQ(relayed["operations"].at(0)["data"]["n"].as_integer(), 3'001);
  EXPECT_EQ(relayed["maxDeliverySequence"].as_integer(), 3'001);
  EXPECT_FALSE(relayed["fingerprint"].is_null());
}

TEST_F(StreamRelayTest, AnotherSessionOfTheAuthorFromTheStartGetsWhatItWroteBefore) {
  start();
  const auto ann = join("ann");
  upload(*ann, 1'000);
  const auto again = connect();
  again->send(handshake("ann", 0));
  again->next("handshake-response");
  EXPECT_EQ(count_up_to(*again, 1'000), 1'000U);
}

}  // namespace
}  // namespace tombolo::server
