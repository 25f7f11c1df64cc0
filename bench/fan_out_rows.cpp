// One client writes, 1,000 others are told, against a bare WebSocket server that broadcasts the
// same frames. Both sides' clients do the same: they read each frame and acknowledge it, and the
// next write starts when all have it. Ours also commits each write to the disk first.
#include <array>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "kinto_requests.h"
#include "operation_source.h"
#include "run.h"
#include "scratch.h"
#include "server_process.h"
#include "stream_client.h"
#include "timing.h"

namespace tombolo::bench {
namespace {

constexpr std::int64_t kSubscribers = 1'000;
constexpr double kSixtyPercent = 1 / 0.6;

RowTitle title_of(std::string name, std::optional<double> budget) {
  return {.name = std::move(name),
          .bound = "bare WebSocket broadcast of the same frames",
          .budget = budget};
}

// Many connections that read and acknowledge, in one thread.
class Subscribers {
 public:
  Subscribers() : poll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~Subscribers() { close(poll_); }
  Subscribers(const Subscribers&) = delete;
  Subscribers& operator=(const Subscribers&) = delete;

  void add(StreamClient client) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = clients_.size();
    epoll_ctl(poll_, EPOLL_CTL_ADD, client.socket(), &event);
    clients_.push_back(std::move(client));
  }

  // Reads until that many batches have come in all, and acknowledges each. The last of them is
  // kept, to be broadcast by the bare server.
  Result<void> receive(std::int64_t batches) {
    Result<void> outcome;
    while (batches > 0 && outcome) {
      std::array<epoll_event, 256> events{};
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 30'000);
      if (count <= 0) return fail(ErrorCode::timeout, "a delivery did not come within 30 s");
      for (int index = 0; index < count && outcome; ++index) {
        StreamClient& client = clients_[events[static_cast<std::size_t>(index)].data.u64];
        const auto taken = client.take([&](std::string_view text) {
          const std::string answer = acknowledgment_of(text);
          if (answer.empty()) return;
          --batches;
          if (batches == 0) last_batch_ = text;
          outcome = client.send_text(answer);
        });
        if (!taken) return taken;
      }
    }
    return outcome;
  }

  const std::string& last_batch() const { return last_batch_; }

 private:
  int poll_;
  std::vector<StreamClient> clients_;
  std::string last_batch_;
};

// One row: its servers with their subscribers, who stay for all rounds.
class FanOut {
 public:
  FanOut(Run& run, int operations) : run_(run), operations_(operations) {}

  Result<void> measure(const RowTitle& title, const Scratch& scratch) {
    const Scratch files = scratch.inner();
    auto server = ServerProcess::tombolo(run_.settings().tombolo, files.file("server.db"));
    if (!server) return fail(server);
    if (auto made = make_collection(server->port()); !made) return made;
    auto bare = ServerProcess::start({run_.bare_program("bare_websocket"), "broadcast"});
    if (!bare) return fail(bare);
    Subscribers subscribers;
    for (std::int64_t index = 0; index < run_.count(kSubscribers); ++index) {
      auto client = StreamClient::connect(server->port(), kStreamPath, kCredentials);
      if (!client) return fail(client);
      auto begun = client->begin_stream(fmt::format("subscriber-{}", index), 0);
      if (!begun) return begun;
      subscribers.add(std::move(*client));
    }
    Subscribers bare_subscribers;
    for (std::int64_t index = 0; index < run_.count(kSubscribers); ++index) {
      auto client = StreamClient::connect(bare->port(), "/");
      if (!client) return fail(client);
      bare_subscribers.add(std::move(*client));
    }
    auto writer = StreamClient::connect(server->port(), kStreamPath, kCredentials);
    if (!writer) return fail(writer);
    if (auto begun = writer->begin_stream(source_.node(), 0); !begun) return begun;
    auto bare_writer = StreamClient::connect(bare->port(), "/");
    if (!bare_writer) return fail(bare_writer);
    return run_.compare(
        title,
        [&] {
          const std::string frame = text_frame(subscribers.last_batch());
          return timed(deliveries(), bare->process_id(), [&]() -> Result<void> {
            for (std::int64_t write = 0; write < writes(); ++write) {
              if (auto sent = bare_writer->send_bytes(frame); !sent) return sent;
              auto received = bare_subscribers.receive(run_.count(kSubscribers));
              if (!received) return received;
            }
            return {};
          });
        },
        [&] { return write_all(*server, *writer, subscribers); });
  }

 private:
  std::int64_t writes() const { return run_.count(200); }
  std::int64_t deliveries() const { return writes() * run_.count(kSubscribers) * operations_; }

  Result<Sample> write_all(const ServerProcess& server, StreamClient& writer,
                           Subscribers& subscribers) {
    std::vector<std::string> frames;
    for (std::int64_t write = 0; write < writes(); ++write) {
      frames.push_back(text_frame(source_.next_batch(operations_)));
    }
    return timed(deliveries(), server.process_id(), [&]() -> Result<void> {
      for (const std::string& frame : frames) {
        if (auto sent = writer.send_bytes(frame); !sent) return sent;
        auto received = subscribers.receive(run_.count(kSubscribers));
        if (!received) return received;
        const auto acknowledged = writer.next_of_type("acknowledgment");
        if (!acknowledged) return fail(acknowledged);
      }
      return {};
    });
  }

  Run& run_;
  const int operations_;
  OperationSource source_{"bench-fan-out"};
};

}  // namespace

Result<void> measure_fan_out(Run& run) {
  auto scratch = Scratch::make(run.settings().folder);
  if (!scratch) return fail(scratch);
  const RowTitle one = title_of("fan-out 1 -> 1,000, one operation a write", kSixtyPercent);
  const RowTitle many = title_of("fan-out 1 -> 1,000, 16 operations a write", {});
  if (run.wants(one.name)) {
    if (auto done = FanOut(run, 1).measure(one, *scratch); !done) return done;
  }
  return run.wants(many.name) ? FanOut(run, 16).measure(many, *scratch) : Result<void>();
}

}  // namespace tombolo::bench
