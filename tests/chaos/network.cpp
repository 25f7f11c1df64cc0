#include "network.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "os/clock.h"
#include "os/files.h"

namespace tombolo::chaos {

namespace {

constexpr const char* kDevice = "chaos0";
constexpr std::size_t kMostHosts = 200;
constexpr std::size_t kLargestPacket_bytes = 65'536;
constexpr int kPacketsAtOnce = 64;
constexpr std::size_t kDestinationAt = 16;  // in an IPv4 header: the destination's address
constexpr std::size_t kHeader_bytes = 20;

std::int64_t now_ms() {
  return os::SystemClock().monotonic_ms();
}

std::unexpected<Error> failure(const std::string& what) {
  return fail(ErrorCode::unsupported, what + ": " + std::strerror(errno));
}

ifreq request_for(const char* device) {
  ifreq request{};
  std::strncpy(static_cast<char*>(request.ifr_name), device, IFNAMSIZ - 1);
  return request;
}

void set_address(ifreq& request, const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  std::memcpy(&request.ifr_addr, &address, sizeof address);
}

bool switch_device(int control, const char* device, bool up) {
  ifreq request = request_for(device);
  request.ifr_flags = static_cast<short>(up ? IFF_UP | IFF_RUNNING : 0);
  return ::ioctl(control, SIOCSIFFLAGS, &request) == 0;
}

// A process may do to its own namespaces what root may, when it is root in a user namespace.
Result<void> become_root_of_own() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) {
    return failure("only root may make network namespaces here, and user namespaces are refused");
  }
  const auto write = [](const char* path, const std::string& text) {
    const Descriptor file(::open(path, O_WRONLY | O_CLOEXEC));
    return ::write(file.number(), text.data(), text.size()) >= 0;
  };
  (void)write("/proc/self/setgroups", "deny");
  if (!write("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") ||
      !write("/proc/self/gid_map", "0 " + std::to_string(group) + " 1")) {
    return failure("cannot become root of a user namespace");
  }
  return {};
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}
Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<void> Network::prepare() {
  if (::geteuid() != 0) {
    if (auto done = become_root_of_own(); !done) return done;
  }
  const auto probe = make(1, 0);
  if (!probe) return fail(probe);
  return {};
}

std::string Network::address(std::size_t host) {
  return "10.77.0." + std::to_string(host + 1);
}

// On a thread of its own, which is in the new namespace and then ends.
Result<Network::Host> Network::make_host(std::size_t number) {
  if (::unshare(CLONE_NEWNET) != 0) return failure("cannot make a network namespace");
  Host host;
  host.space = Descriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  host.control = Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  host.device = Descriptor(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (host.device.number() < 0) return failure("cannot open /dev/net/tun");
  ifreq request = request_for(kDevice);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(host.device.number(), TUNSETIFF, &request) != 0) {
    return failure("cannot make a TUN device");
  }
  const int control = host.control.number();
  request = request_for(kDevice);
  set_address(request, address(number));
  bool done = ::ioctl(control, SIOCSIFADDR, &request) == 0;
  request = request_for(kDevice);
  set_address(request, "255.255.255.0");
  done = done && ::ioctl(control, SIOCSIFNETMASK, &request) == 0;
  done = done && switch_device(control, kDevice, true) && switch_device(control, "lo", true);
  if (!done) return failure("cannot set up a TUN device");
  return host;
}

Result<std::unique_ptr<Network>> Network::make(std::size_t hosts, std::uint64_t seed) {
  if (hosts > kMostHosts) return fail(ErrorCode::invalid_argument, "too many hosts");
  std::unique_ptr<Network> network(new Network(seed));
  for (std::size_t number = 0; number < hosts; ++number) {
    std::optional<Result<Host>> host;
    std::thread([&] { host = make_host(number); }).join();
    if (!*host) return fail(*host);
    network->hosts_.push_back(*std::move(*host));
  }
  network->wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  network->thread_ = std::thread([&one = *network] { one.carry(); });
  return network;
}

Network::~Network() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.number(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

Result<void> Network::enter(std::size_t host) const {
  if (::setns(hosts_[host].space.number(), CLONE_NEWNET) != 0) {
    return failure("cannot enter a network namespace");
  }
  return {};
}

Result<void> Network::set_link(std::size_t host, bool up) {
  if (!switch_device(hosts_[host].control.number(), kDevice, up)) {
    return failure("cannot switch a link");
  }
  return {};
}

void Network::cut(std::size_t host, bool incoming, bool outgoing) {
  const std::lock_guard lock(mutex_);
  hosts_[host].cut_incoming = incoming;
  hosts_[host].cut_outgoing = outgoing;
}

void Network::set_weather(const Weather& weather) {
  const std::lock_guard lock(mutex_);
  weather_ = weather;
}

void Network::heal() {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    cut(host, false, false);
    (void)set_link(host, true);
  }
  set_weather({});
}

Network::Counts Network::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Network::carry() {
  std::vector<pollfd> sources;
  for (const Host& host : hosts_) sources.push_back({host.device.number(), POLLIN, 0});
  sources.push_back({wake_.number(), POLLIN, 0});
  while (!stopping_) {
    int wait_ms = -1;
    {
      const std::lock_guard lock(mutex_);
      const std::int64_t now = now_ms();
      for (; !waiting_.empty() && waiting_.top().due_ms <= now; waiting_.pop()) {
        deliver(waiting_.top().to, waiting_.top().bytes);
      }
      if (!waiting_.empty()) wait_ms = static_cast<int>(waiting_.top().due_ms - now);
    }
    if (::poll(sources.data(), sources.size(), wait_ms) <= 0) continue;
    const std::lock_guard lock(mutex_);
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
      if ((sources[host].revents & POLLIN) != 0) read_from(host, now_ms());
    }
  }
}

void Network::read_from(std::size_t host, std::int64_t now_ms) {
  std::array<char, kLargestPacket_bytes> buffer;
  for (int count = 0; count < kPacketsAtOnce; ++count) {
    const ssize_t got = ::read(hosts_[host].device.number(), buffer.data(), buffer.size());
    if (got <= 0) return;
    route(std::string_view(buffer.data(), static_cast<std::size_t>(got)), host, now_ms);
  }
}

void Network::route(std::string_view packet, std::size_t from, std::int64_t now_ms) {
  constexpr int kVersionShift = 4;
  constexpr int kVersion = 4;
  const bool is_ipv4 = packet.size() >= kHeader_bytes &&
                       static_cast<unsigned char>(packet[0]) >> kVersionShift == kVersion;
  if (!is_ipv4) return;  // what the kernel says by itself over IPv6
  const auto last = static_cast<unsigned char>(packet[kDestinationAt + 3]);
  if (last == 0 || last > hosts_.size()) return;
  const std::size_t to = last - 1U;
  if (hosts_[from].cut_outgoing || hosts_[to].cut_incoming || chance(weather_.loss)) {
    ++counts_.lost;
    return;
  }
  const bool is_twice = chance(weather_.duplicate);
  if (is_twice) ++counts_.duplicated;
  for (int copy = 0; copy < (is_twice ? 2 : 1); ++copy) {
    std::int64_t delay_ms = weather_.delay_ms;
    if (weather_.jitter_ms > 0) {
      delay_ms += static_cast<std::int64_t>(
          random_.below(static_cast<std::uint64_t>(weather_.jitter_ms) + 1));
    }
    if (delay_ms == 0 || chance(weather_.reorder)) {
      deliver(to, packet);
    } else {
      ++counts_.delayed;
      waiting_.push({now_ms + delay_ms, ++last_number_, to, std::string(packet)});
    }
  }
}

// A device that is down takes nothing: lost as on any wire.
void Network::deliver(std::size_t to, std::string_view packet) {
  const bool is_taken = !hosts_[to].cut_incoming &&
                        ::write(hosts_[to].device.number(), packet.data(), packet.size()) >= 0;
  ++(is_taken ? counts_.passed : counts_.lost);
}

}  // namespace tombolo::chaos
