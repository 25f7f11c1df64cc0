// Three devices edit, delete and count, each with any policy, while requests and answers get lost.
#include <algorithm>
#include <atomic>
#include <random>
#include <set>

#include "kinto_remote_fixture.h"

namespace tombolo {
namespace {

using testing::Proxy;

class KintoConvergenceTest : public testing::KintoRemote,
                             public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    KintoRemote::SetUp();
    third_.emplace(Database::open(path() + ".third", {.durability = Durability::relaxed}).value());
  }
  void TearDown() override {
    third_.reset();
    KintoRemote::TearDown();
  }
  std::uint32_t below(std::uint32_t bound) { return random_() % bound; }

  void create_or_not(Collection& collection, const std::string& id, const std::string& field) {
    if (!collection.create({{"id", id}, {field, ++written_}})) refused_.insert(written_);
  }
  // Every value is written once, so that wherever it goes it can be told.
  void edit(Database& database) {
    auto collection = database.collection("c");
    const std::string id = "r" + std::to_string(below(6));
    const std::string field = below(2) == 0 ? "x" : "y";
    if (const auto seen = collection.get(id)) account_for(seen->fields());
    switch (below(8)) {
      case 0:
        (void)collection.remove(id);
        return;
      case 1:
      case 2:
        create_or_not(collection, id, field);
        return;
      default:
        if (collection.patch(id, {{field, ++written_}})) return;
        refused_.insert(written_);
        create_or_not(collection, id, field);
    }
  }
  void try_to_sync(Database& database, ConflictPolicy policy) {
    Remote remote = connect(database, policy);
    (void)remote.wait_until_synced(150);
    const auto status = remote.status().value();
    remote.disconnect();
    EXPECT_FALSE(status.synced && status.pending > 0);
  }

  // Every number in it is on the server, or was seen by who wrote over it, or is in a ledger.
  void account_for(const Value& value) {
    if (value.is_number()) accounted_.insert(value.as_integer());
    if (const Object* object = value.if_object()) {
      for (const Member& member : *object) account_for(member.value);
    }
  }

  std::set<std::int64_t> accounted_;
  std::set<std::int64_t> refused_;  // what the device itself did not take
  std::mt19937 random_{static_cast<std::uint32_t>(GetParam())};
  std::int64_t written_ = 0;
  std::optional<Database> third_;
};

TEST_P(KintoConvergenceTest, AllDevicesEndEqualWhateverGetsLost) {
  const ConflictPolicy policies[] = {ConflictPolicy::merge, ConflictPolicy::server_wins,
                                     ConflictPolicy::client_wins, ConflictPolicy::last_writer_wins};
  std::vector<Database*> devices{&db(), &other(), &*third_};
  std::atomic<std::uint32_t> fate = static_cast<std::uint32_t>(GetParam());
  proxy_.meddle([&](const net::HttpRequest&) {
    const std::uint32_t now = fate = fate * 1'664'525U + 1'013'904'223U;
    if ((now >> 24) % 8 == 0) return Proxy::Fate::lose_request;
    return (now >> 24) % 8 == 1 ? Proxy::Fate::lose_answer : Proxy::Fate::pass;
  });
  for (int step = 0; step < 40; ++step) {
    Database& device = *devices[below(3)];
    for (std::uint32_t i = below(3) + 1; i > 0; --i) edit(device);
    if (below(2) == 0) try_to_sync(device, policies[below(4)]);
  }
  proxy_.meddle({});
  for (int round = 0; round < 2; ++round) {
    for (Database* device : devices) sync(*device, policies[below(4)]);
  }
  for (Database* device : devices) {
    EXPECT_EQ(contents(*device), on_server());
    EXPECT_EQ(device->status().value().pending, 0);
    EXPECT_TRUE(device->dead_letters().value().empty());
    account_for(contents(*device));
    for (const Loss& loss : losses(*device)) account_for(loss.losing_value.value_or(Value()));
  }
  for (std::int64_t value = 1; value <= written_; ++value) {
    if (!refused_.contains(value)) {
      EXPECT_TRUE(accounted_.contains(value)) << value << " was lost silently";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KintoConvergenceTest, ::testing::Range(1, 5));

}  // namespace
}  // namespace tombolo
