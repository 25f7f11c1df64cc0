// A network of invented hosts, each in a network namespace of its own, that behaves as badly as it
// is told to. This program is the wire between them: every packet that a host sends comes out of
// its TUN device, and is passed on, late, twice, before others, or not at all.
//
// Nothing has to be removed: the namespaces have no names, and they and their devices end with the
// descriptors that hold them, however this process ends. Nothing of the machine's own network is
// touched or seen. Needs Linux with TUN, and root or the right to make user namespaces.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"

#include "tombolo/result.h"

namespace tombolo::chaos {

// What becomes of a packet on its way. Chances are in 1/1000.
struct Weather {
  std::int64_t delay_ms = 0;
  std::int64_t jitter_ms = 0;  // on top of the delay, at random: packets overtake each other
  std::uint64_t loss = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t reorder = 0;  // passed on at once, before those that are delayed
};

// Closes the descriptor that it holds.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int number() const { return number_; }

 private:
  int number_ = -1;
};

class Network {
 public:
  // Gets this process what it needs. Call it before there is any thread. The error says what is
  // missing on this machine.
  static Result<void> prepare();

  // Hosts 0 to `hosts` - 1, at most 200. `seed` is of the chances that packets have.
  static Result<std::unique_ptr<Network>> make(std::size_t hosts, std::uint64_t seed);
  ~Network();

  static std::string address(std::size_t host);

  // Moves the calling thread, and what it starts from now on, to the host. There is no way back.
  Result<void> enter(std::size_t host) const;

  // All may be called from any thread.
  Result<void> set_link(std::size_t host, bool up);          // takes the host's device down
  void cut(std::size_t host, bool incoming, bool outgoing);  // packets vanish; false: they pass
  void set_weather(const Weather& weather);                  // between all hosts
  void heal();                                               // all of it

  struct Counts {
    std::int64_t passed = 0, lost = 0, duplicated = 0, delayed = 0;
  };
  Counts counts() const;

 private:
  struct Host {
    Descriptor space, device, control;
    bool cut_incoming = false;
    bool cut_outgoing = false;
  };
  struct Packet {
    std::int64_t due_ms = 0;
    std::uint64_t number = 0;
    std::size_t to = 0;
    std::string bytes;
    // The top of the queue is the one that is due first.
    friend bool operator<(const Packet& left, const Packet& right) {
      return left.due_ms != right.due_ms ? left.due_ms > right.due_ms : left.number > right.number;
    }
  };

  explicit Network(std::uint64_t seed) : random_(seed) {}
  static Result<Host> make_host(std::size_t number);
  void carry();  // the thread's work
  void read_from(std::size_t host, std::int64_t now_ms);
  void route(std::string_view packet, std::size_t from, std::int64_t now_ms);
  void deliver(std::size_t to, std::string_view packet);
  bool chance(std::uint64_t in_thousand) { return random_.below(1000) < in_thousand; }

  mutable std::mutex mutex_;  // guards what follows, up to the thread
  std::vector<Host> hosts_;
  Weather weather_;
  Counts counts_;
  SeededRandom random_;
  std::priority_queue<Packet> waiting_;
  std::uint64_t last_number_ = 0;

  Descriptor wake_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace tombolo::chaos
