// Both ends of the protocol against each other, over a link that loses, repeats, reorders and
// forges frames, and breaks: what was written anywhere ends up everywhere, once. Whoever asked the
// server and is told that it is synced holds what the server held when it was asked.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "sync/test_stream_peers.h"

namespace tombolo::sync {
namespace {

using testing::MemoryClient;
using testing::MemoryLog;
using testing::ServerEnd;

constexpr std::int64_t kEpochMs = 1'700'000'000'000;

class World {
 public:
  World(std::uint64_t seed, std::size_t clients) : random_(seed) {
    for (std::size_t at = 0; at < clients; ++at) {
      links_.emplace_back();
      links_.back().client = std::make_unique<MemoryClient>("node-" + std::to_string(at));
      links_.back().client->keeps_fingerprint = random_.below(2) == 0;
    }
  }

  void step() {
    Link& link = links_[random_.below(links_.size())];
    switch (random_.below(16)) {
      case 0:
      case 1:
        link.client->write(kEpochMs + time_ms_, "t" + std::to_string(++writes_));
        if (link.client->session) link.client->session->pending_changed(client_now());
        return;
      case 2:
        return connect(link);
      case 3:
        return advance(static_cast<std::int64_t>(random_.below(3'000)));
      case 4:
        return break_link(link);
      case 5:
        return disturb(link.to_server);
      case 6:
        return disturb(link.to_client);
      case 7:
        if (random_.below(8) == 0) return crash();
        return ask(link);
      case 8:
      case 9:
      case 10:
        return commit(link);
      default:
        return random_.below(2) == 0 ? to_server(link) : to_client(link);
    }
  }

  // No more disturbance: everything connects again and runs until nothing happens.
  void heal() {
    for (int round = 0; round < 400; ++round) {
      for (Link& link : links_) {
        connect(link);
        while (!link.to_server.empty() || !link.to_client.empty()) {
          to_server(link);
          to_client(link);
          while (commit(link), link.server && !link.server->uploads.empty()) {
          }
        }
      }
      advance(1'000);
    }
  }

  void check() {
    std::set<std::string> written;
    for (Link& link : links_) {
      written.insert(link.client->written.begin(), link.client->written.end());
    }
    RC_ASSERT(log.ids() == written);
    RC_ASSERT(log.entries().size() == written.size());
    for (Link& link : links_) {
      RC_ASSERT(link.client->ids() == written);
      RC_ASSERT(link.client->buried.empty());
      RC_ASSERT(derive_status(link.client->facts()) == SyncStatus::synced);
      RC_ASSERT(!link.client->saw(ClientEvent::diverged));
    }
  }

  MemoryLog log;

 private:
  struct Link {
    std::unique_ptr<MemoryClient> client;
    std::unique_ptr<ServerEnd> server;
    std::deque<std::string> to_server;
    std::deque<std::string> to_client;
    std::vector<std::string> seen;     // frames of the past, for replays
    std::optional<std::size_t> asked;  // how long the log was when the client asked
  };

  StreamClientSession::Now client_now() const { return {time_ms_, kEpochMs + time_ms_}; }
  StreamServerSession::Now server_now() const { return {time_ms_, kEpochMs + time_ms_}; }

  static void move_all(std::deque<std::string>& from, std::deque<std::string>& to) {
    to.insert(to.end(), from.begin(), from.end());
    from.clear();
  }

  void collect(Link& link) {
    move_all(link.client->out, link.to_server);
    if (link.server) move_all(link.server->out, link.to_client);
  }

  void connect(Link& link) {
    const bool server_gone = !link.server || link.server->close_code != 0;
    if (link.client->session && !link.client->closed && !server_gone) return collect(link);
    break_link(link);
    StreamServerOptions options;
    options.tag = "s" + std::to_string(++connections_);
    options.view_tag = "v";
    options.batch_operations = 2;
    options.max_unacknowledged_bytes = 2'000;
    link.server = std::make_unique<ServerEnd>(log, std::move(options), server_now());
    link.client->connect(client_now());
    collect(link);
  }

  void ask(Link& link) {
    if (!link.client->session || link.client->closed) return;
    if (link.client->session->ask(client_now())) link.asked = log.entries().size();
    collect(link);
  }

  void check_answer(Link& link) {
    if (!link.asked || link.client->closed || link.client->session->has_batch_in_flight()) return;
    if (derive_status(link.client->facts()) != SyncStatus::synced) return;
    for (std::size_t at = 0; at < *link.asked; ++at) {
      RC_ASSERT(link.client->index.contains(log.entries()[at].id));
    }
    link.asked.reset();
  }

  void break_link(Link& link) {
    link.asked.reset();
    if (link.client->session) link.client->session->closed();
    link.client->session.reset();
    link.client->closed = true;
    // What was handed over is still committed; nobody hears of it.
    while (link.server && link.server->commit()) log_grew();
    link.server.reset();
    link.to_server.clear();
    link.to_client.clear();
  }

  void crash() {
    for (Link& link : links_) {
      if (link.server) link.server->uploads.clear();
      break_link(link);
    }
  }

  void disturb(std::deque<std::string>& frames) {
    if (frames.empty()) return;
    const std::size_t at = random_.below(frames.size());
    const auto place = frames.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random_.below(4)) {
      case 0:
        frames.erase(place);
        return;
      case 1: {
        const std::string copy = *place;
        frames.push_back(copy);
        return;
      }
      case 2:
        std::swap(frames.front(), frames.back());
        return;
      default:
        frames.insert(place, "{\"type\":\"operation-batch\"");
    }
  }

  void to_server(Link& link) {
    collect(link);
    if (link.to_server.empty()) return;
    const std::string frame = std::move(link.to_server.front());
    link.to_server.pop_front();
    if (link.server && link.server->close_code == 0) link.server->receive(frame, server_now());
    collect(link);
  }

  void to_client(Link& link) {
    collect(link);
    if (link.to_client.empty()) return;
    const std::string frame = std::move(link.to_client.front());
    link.to_client.pop_front();
    link.seen.push_back(frame);
    // A frame of an earlier connection comes once more.
    if (random_.below(20) == 0) {
      link.to_client.push_back(link.seen[random_.below(link.seen.size())]);
    }
    if (link.client->session && !link.client->closed) {
      link.client->session->text_received(frame, client_now());
      if (random_.below(2) == 0) link.client->session->upload_more(client_now());
      check_answer(link);
    }
    collect(link);
  }

  void log_grew() {
    for (Link& link : links_) {
      if (link.server && link.server->close_code == 0) link.server->log_grew(server_now());
    }
  }

  void commit(Link& link) {
    if (!link.server || !link.server->commit()) return;
    log_grew();
    collect(link);
  }

  void advance(std::int64_t by_ms) {
    time_ms_ += by_ms;
    for (Link& link : links_) {
      if (link.client->session) link.client->session->tick(client_now());
      if (link.server && link.server->close_code == 0) {
        link.server->session.tick(server_now());
        link.server->pump(server_now());
      }
      collect(link);
    }
  }

  SeededRandom random_;
  std::deque<Link> links_;
  std::int64_t time_ms_ = 0;
  int writes_ = 0;
  int connections_ = 0;
};

RC_GTEST_PROP(StreamConvergence, EveryWriteReachesEveryReplicaOnce, (std::uint64_t seed)) {
  World world(seed, 3);
  for (int step = 0; step < 600; ++step) world.step();
  world.heal();
  world.check();
}

}  // namespace
}  // namespace tombolo::sync
